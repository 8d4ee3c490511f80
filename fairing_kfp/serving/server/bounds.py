"""Limits on the memory of a request's values, checked before the values are created.

The size of a body limits only the values that it contains. The objects created from them may be far larger: a data
frame has a cell for each row and column, an array of texts is as wide as its longest text, and a shape nests lists.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

from .http_error import HTTPError, bad_request

_EXPANSION = 8  # bytes in memory for each byte of the largest body
_CHARACTER = 4  # bytes of a character in an array of texts
_CELL = 16  # bytes of a cell of a data frame, with the value that it refers to
_LIST = 64  # bytes of an empty list
_NUMBER = 32  # bytes of a number in a list
_SPARE = 1_000_000  # lists, cells or characters that may be created beyond those in the body
_PADDING = 16  # cells or characters for each one in the body, as columns may be sparse and texts of unequal length
_DEPTH = 64  # of lists and objects
_DIGITS = 4300  # of an integer: Python's own limit, as the time of parsing grows with their square

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (_DIGITS + 1))


class Bounds:
    """Limits on the values of a request. All methods raise an HTTPError (413) above the limit.

    Args:
        max_bytes: the largest body.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def texts(self, count: int, longest: int, given: int) -> None:
        """Checks an array of texts, each of which takes the memory of the longest; `given` is their total length."""
        self._check_padded(f"{count} texts of {longest} characters", count * longest, given, _CHARACTER)

    def frame(self, rows: int, columns: int, given: int) -> None:
        """Checks a data frame; `given` is the number of cells in the body."""
        self._check_padded(f"a data frame of {rows} rows and {columns} columns", rows * columns, given, _CELL)

    def shape(self, shape: Sequence[int], elements: int) -> None:
        """Checks that a shape does not nest many more lists than it has elements."""
        lists = _lists(shape)
        if lists > elements + _SPARE:
            raise self._too_large(f"{elements} elements in {lists + 1} lists")

    def lists(self, shape: Sequence[int], elements: int) -> None:
        """Checks an array that is converted to nested lists."""
        lists = _lists(shape)
        self._check(f"{elements} elements in {lists + 1} lists", _LIST * lists + _NUMBER * elements)

    def _check_padded(self, what: str, count: int, given: int, size: int) -> None:
        if count > _SPARE + _PADDING * given:
            raise self._too_large(what)
        self._check(what, size * count)

    def _check(self, what: str, size: int) -> None:
        if size > _EXPANSION * self._max_bytes:
            raise self._too_large(what)

    def _too_large(self, what: str) -> HTTPError:
        return HTTPError(
            413,
            f"the request describes {what}, which is far more than its body contains or than "
            f"FAIRING_MAX_BYTES={self._max_bytes} allows",
        )


def check_json(text: bytes) -> None:
    """Checks the nesting of JSON, and the length of its numbers, before it is parsed.

    Raises:
        HTTPError: the JSON is nested too deep (413), or a number is too long and this Python has no limit itself (400).
    """
    if text.count(b"[") + text.count(b"{") > _DEPTH and _is_deep(text) and _is_deep(_TEXT.sub(b"", text)):
        raise HTTPError(413, f"lists and objects are nested deeper than {_DEPTH}")
    if not getattr(sys, "get_int_max_str_digits", int)() and _LONG_NUMBER.search(text):
        raise bad_request(f"a number has more than {_DIGITS} digits")


def spread(data: list[Any]) -> tuple[tuple[int, ...], list[Any]] | None:
    """The shape of nested lists, and their elements in one list; None if lists of one level differ in length.

    The lists are flattened level by level, so that the time depends on the number of elements, not on the nesting.
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
    """Whether brackets are nested too deep; brackets within strings count too."""
    left = text.translate(None, _OTHERS)
    for _ in range(_DEPTH):
        if not left:
            return False
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return bool(left)


def _lists(shape: Sequence[int]) -> int:
    """The number of lists that a shape nests in the outermost list."""
    count, product = 0, 1
    for size in shape[:-1]:
        product *= size
        count += product
    return count
