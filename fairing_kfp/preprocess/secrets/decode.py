"""Bytes → text: encodings, and texts within binary data."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 8192  # bytes
_WIDE = 0.3  # the part of zeros from which on text seems to be UTF-16
_READABLE = 0.95  # the part of printable characters from which on it is
_RUN = re.compile(rb"[\t\n\r\x20-\x7e]{12,}")
_WIDE_RUN = re.compile(rb"(?:[\t\n\r\x20-\x7e]\0){12,}")


def decode(data: bytes) -> str | None:
    """The text of a file; None if it is binary."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    head = data[:_HEAD]
    if b"\0" not in head:
        return data.decode("utf-8", "replace")
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if max(even, odd) / half > _WIDE and min(even, odd) / half < _WIDE / 3:
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        start = head[: len(head) // 2 * 2].decode(encoding, "replace")
        if sum(char.isprintable() or char.isspace() for char in start) > _READABLE * len(start):
            return data.decode(encoding, "replace")
    return None


def texts_within(data: bytes) -> str:
    """The readable parts of binary data, in ASCII or UTF-16, a line each."""
    runs = [match.group() for match in _RUN.finditer(data)]
    runs += [match.group()[::2] for match in _WIDE_RUN.finditer(data)]
    return b"\n".join(runs).decode("ascii")
