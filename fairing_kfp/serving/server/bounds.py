"""How much memory a request may take, counted before anything is made of it.

What a request spells out is as large as its body. What it only stands for may be far larger: the rows and columns of a
frame, an array of texts as wide as the longest, the nested lists of a shape.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

from .refusal import Refusal, bad

_TIMES = 8  # bytes in memory for a byte of the largest body
_CHARACTER = 4  # bytes of a character in an array of texts
_CELL = 16  # bytes of a frame's cell, with what it points to
_LIST = 64  # bytes of an empty list
_NUMBER = 32  # bytes of a number in a list
_SPARE = 1_000_000  # lists, cells or characters that a request may stand for beside what it spells out
_PADDING = 16  # cells or characters for one that is spelled out, as columns may be sparse and texts uneven
_DEPTH = 64  # of lists and objects
_DIGITS = 4300  # of a whole number; Python's own limit, which takes time in the square of them

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (_DIGITS + 1))


class Bounds:
    """What a request may stand for. All methods raise a Refusal (413) where it is too much.

    Args:
        max_bytes: the largest body.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def texts(self, count: int, longest: int, spelled: int) -> None:
        """Checks an array of texts, each of which takes as much as the longest; together they are shorter."""
        self._check_padded(f"{count} texts of {longest} characters", count * longest, spelled, _CHARACTER)

    def frame(self, rows: int, columns: int, spelled: int) -> None:
        """Checks a data frame, some of whose cells are spelled out."""
        self._check_padded(f"a data frame of {rows} rows and {columns} columns", rows * columns, spelled, _CELL)

    def shape(self, shape: Sequence[int], elements: int) -> None:
        """Checks that a shape nests not many more lists than it has elements."""
        lists = _lists(shape)
        if lists > elements + _SPARE:
            raise self._refusal(f"{elements} elements in {lists + 1} lists")

    def lists(self, shape: Sequence[int], elements: int) -> None:
        """Checks an array that becomes nested lists."""
        lists = _lists(shape)
        self._check(f"{elements} elements in {lists + 1} lists", _LIST * lists + _NUMBER * elements)

    def _check_padded(self, what: str, count: int, spelled: int, size: int) -> None:
        if count > _SPARE + _PADDING * spelled:
            raise self._refusal(what)
        self._check(what, size * count)

    def _check(self, what: str, size: int) -> None:
        if size > _TIMES * self._max_bytes:
            raise self._refusal(what)

    def _refusal(self, what: str) -> Refusal:
        return Refusal(
            413,
            f"the request stands for {what}: far more than it spells out, or than "
            f"FAIRING_MAX_BYTES={self._max_bytes} allows to be made of it",
        )


def check_json(text: bytes) -> None:
    """Checks, before JSON is parsed, how deep it is nested and how long its numbers are.

    Raises:
        Refusal: too deep (413), or a number is too long for a Python that has no limit of its own (400).
    """
    if text.count(b"[") + text.count(b"{") > _DEPTH and _is_deep(text) and _is_deep(_TEXT.sub(b"", text)):
        raise Refusal(413, f"lists and objects are nested deeper than {_DEPTH}")
    if not getattr(sys, "get_int_max_str_digits", int)() and _LONG_NUMBER.search(text):
        raise bad(f"a number has more than {_DIGITS} digits")


def spread(data: list[Any]) -> tuple[tuple[int, ...], list[Any]] | None:
    """The shape of nested lists and their elements in one row; None where lists differ in length.

    Level by level, so that it takes as long as there are elements, however they are nested.
    """
    shape, level = [len(data)], data
    while list in (kinds := set(map(type, level))):
        sizes = set(map(len, level)) if len(kinds) == 1 else set()
        if len(sizes) != 1:
            return None
        shape.append(sizes.pop())
        level = list(chain.from_iterable(level))
    return tuple(shape), level


def _is_deep(text: bytes) -> bool:
    """Whether brackets are nested too deep; those in texts count, too."""
    left = text.translate(None, _OTHERS)
    for _ in range(_DEPTH):
        if not left:
            return False
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return bool(left)


def _lists(shape: Sequence[int]) -> int:
    """How many lists a shape nests in the outermost."""
    count, product = 0, 1
    for size in shape[:-1]:
        product *= size
        count += product
    return count
