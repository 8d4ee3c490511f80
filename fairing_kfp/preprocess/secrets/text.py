"""Credentials in any text."""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.assignments import find_assignments
from fairing_kfp.preprocess.secrets.commands import find_in_commands
from fairing_kfp.preprocess.secrets.forms import find_forms
from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.pair import Style
from fairing_kfp.preprocess.secrets.urls import find_pairs
from fairing_kfp.preprocess.secrets.users import find_users

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/]{40,}(?:\\?\n?[A-Za-z0-9+/])*={0,2}(?![A-Za-z0-9+/_-])")
_LITERAL = re.compile(
    r"""//[^\n]*|/\*(?:[^*]|\*(?!/)){0,10000}\*/|(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote))[^\\\n]){8,4096})(?P=quote)"""
)
_JOINED = re.compile(r"\w=[^\s=]")
_ESCAPED = re.compile(r"\\(.)")
_MOST_ENCODED = 100_000  # characters of base64 that are decoded at once
_HEAD = 48
_LONGEST_KEPT = 200


def find_in_text(text: str, style: Style) -> list[Match]:
    """Finds credentials in a text, each once, in order of their places."""
    return list(_in_short(text, style)) if len(text) <= _LONGEST_KEPT else _in_any(text, style)


@functools.lru_cache(maxsize=4096)
def _in_short(text: str, style: Style) -> tuple[Match, ...]:
    """The same for short texts: names in a compiled pipeline and in a pickle occur again and again."""
    return tuple(_in_any(text, style))


def _in_any(text: str, style: Style) -> list[Match]:
    found: dict[tuple[int, str], Match] = {}
    literals = _in_literals(text) if style is Style.PROGRAM else ()
    for match in (
        *find_forms(text),
        *find_pairs(text),
        *find_in_commands(text),
        *find_users(text),
        *find_assignments(text, style),
        *_encoded(text),
        *literals,
    ):
        found.setdefault((match.start, match.value), match)
    return _without_nested(sorted(found.values(), key=lambda match: (match.start, -len(match.value))))


def _without_nested(matches: list[Match]) -> list[Match]:
    """Leaves out matches within others, such as a token in a setting that is a credential by its name, too."""
    kept: list[Match] = []
    end = -1
    for match in matches:
        if match.start >= end:
            kept.append(match)
            end = match.start + len(match.value)
        elif not match.name and kept[-1].name and kept[-1].start <= match.start:
            kept[-1] = Match(match.what, kept[-1].value, kept[-1].start, kept[-1].name)  # the form says more
    return kept


def _in_literals(text: str) -> Iterator[Match]:
    """Names with values in the strings of a program, such as a connection string."""
    for literal in _LITERAL.finditer(text):
        inner = literal["text"] or ""
        if _JOINED.search(inner):
            for match in find_assignments(_ESCAPED.sub(r"\1", inner), Style.PROSE):
                yield Match(match.what, match.value, literal.start(), match.name)


def _encoded(text: str) -> Iterator[Match]:
    """Credentials in base64, such as a private key or Docker's configuration."""
    for match in _BASE64.finditer(text):
        encoded = re.sub(r"[\s\\]", "", match.group()[:_MOST_ENCODED])
        if not _decoded(encoded[:_HEAD]):
            continue
        inner = _decoded(encoded)
        if inner and (matches := [*find_forms(inner), *find_pairs(inner), *find_assignments(inner, Style.SETTINGS)]):
            yield Match(
                f"{matches[0].what} in base64" if not matches[0].name else matches[0].what, match.group(), match.start()
            )


def _decoded(encoded: str) -> str:
    """The text in base64; empty if it is not a text."""
    try:
        text = base64.b64decode(encoded[: len(encoded) // 4 * 4], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text if all(char.isprintable() or char.isspace() for char in text) else ""
