"""Notebooks: the texts of their code cells, with the places of these in the file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.cell import cell_blocks
from fairing_kfp.migration.document import MENTION, Part
from fairing_kfp.migration.edit import Edit, edited

_SPACE = re.compile(r"[ \t\r\n]*")
_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|.", re.DOTALL)
_read_json = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class _String:
    """A string in the file: the text of a cell, or a line of it.

    Attributes:
        start: the position of its opening quotation mark in the file.
        content: the text of the file.
        value: what it stands for.
    """

    start: int
    content: str
    value: str

    @cached_property
    def positions(self) -> list[int]:
        """The position of each of its characters in the file, and that of its closing quotation mark."""
        found, at = [], self.start + 1
        while self.content[at] != '"':
            found.append(at)
            at = _CHARACTER.match(self.content, at).end()  # type: ignore[union-attr]  # matches any character
        return [*found, at]


@dataclass(frozen=True)
class _Cell:
    """The text of a code cell.

    Attributes:
        number: the cell's number among all cells, from 1.
        strings: the strings that it is made of.
        separator: what is between them in the file; None if the text is one string.
    """

    number: int
    strings: tuple[_String, ...]
    separator: str | None

    @property
    def text(self) -> str:
        return "".join(string.value for string in self.strings)


@dataclass(frozen=True)
class Notebook:
    """A notebook, in format 3 or 4.

    Attributes:
        content: the text of its file.
        encoding: `utf-8`, or `utf-8-sig` if it starts with a byte order mark.
        name: its path, for messages.
        cells: its code cells; none if its language is not Python.
    """

    content: str
    encoding: str
    name: str
    cells: tuple[_Cell, ...]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """See `Document`.

        Raises:
            MigrationError: a cell that mentions Fairing is not valid Python.
        """
        is_used = any(MENTION in cell.text for cell in self.cells)
        return tuple(self._part(cell) for cell in self.cells) if is_used else ()

    def _part(self, cell: _Cell) -> Part:
        try:
            return Part(cell.text, cell.number, cell_blocks(cell.text, cell.number))
        except SyntaxError as error:
            if MENTION not in cell.text:
                return Part(cell.text, cell.number, ())
            raise MigrationError(
                f"{self.name}, cell {cell.number}, line {error.lineno or 1}: {error.msg}",
                "correct it; Python 2 has to be converted to Python 3 first",
            ) from error

    def edited(self, edits: Mapping[int, Iterable[Edit]]) -> bytes:
        """See `Document`."""
        in_file = (one for cell in self.cells for edit in edits.get(cell.number, ()) for one in _in_file(edit, cell))
        return edited(self.content, in_file).encode(self.encoding)


def read_notebook(data: bytes, name: str) -> Notebook:
    """Reads a notebook.

    Args:
        data: its bytes.
        name: its path, for messages.

    Raises:
        MigrationError: it is not a notebook.
    """
    encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        content = data.decode(encoding)
        json.loads(content)  # checks it
        return Notebook(content, encoding, name, tuple(_code_cells(content)))
    except ValueError as error:
        raise MigrationError(f"{name} is not a notebook: {error}", "open it in Jupyter and save it again") from error


def _code_cells(content: str) -> Iterator[_Cell]:
    """The code cells of a notebook, unless its language is not Python."""
    members = {key: (start, value) for key, start, value in _members(content, _skip(content, 0))}
    if not {"cells", "worksheets"} & members.keys():
        raise ValueError("it has no cells")
    if not _is_python(members["metadata"][1] if "metadata" in members else {}):
        return
    starts = [members["cells"][0]] if "cells" in members else []
    for start, _, _ in _elements(content, members["worksheets"][0]) if "worksheets" in members else ():
        starts += [start for key, start, _ in _members(content, start) if key == "cells"]
    number = 0
    for cells in starts:
        for start, cell, _ in _elements(content, cells):
            number += 1
            for key, at, value in _members(content, start):
                if key in ("source", "input") and cell.get("cell_type") == "code":
                    yield _cell(content, at, value, number)


def _is_python(metadata: Any) -> bool:
    try:
        language = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    except AttributeError:
        raise ValueError("its metadata are malformed") from None
    return str(language or "python").lower() in {"python", "ipython"}


def _cell(content: str, at: int, value: Any, number: int) -> _Cell:
    if isinstance(value, str):
        return _Cell(number, (_String(at, content, value),), None)
    items = list(_elements(content, at))
    if not all(isinstance(text, str) for _, text, _ in items):
        raise ValueError(f"the source of cell {number} is not text")
    strings = tuple(_String(start, content, text) for start, text, _ in items)
    if len(items) > 1:
        return _Cell(number, strings, content[items[0][2] : items[1][0]])
    return _Cell(number, strings, "," + content[at + 1 : items[0][0]] if items else ",")


def _members(content: str, at: int) -> Iterator[tuple[str, int, Any]]:
    """The keys of an object that starts at a position, with the places of their values, and the values."""
    at = _skip(content, _after(content, at, "{"))
    while content[at] != "}":
        key, at = _read_json(content, at)
        start = _skip(content, _skip(content, at) + 1)
        value, at = _read_json(content, start)
        yield key, start, value
        at = _skip(content, at)
        if content[at] == ",":
            at = _skip(content, at + 1)


def _elements(content: str, at: int) -> Iterator[tuple[int, Any, int]]:
    """The elements of an array that starts at a position: the place, the value, and the position after it."""
    at = _skip(content, _after(content, at, "["))
    while content[at] != "]":
        value, end = _read_json(content, at)
        yield at, value, end
        at = _skip(content, end)
        if content[at] == ",":
            at = _skip(content, at + 1)


def _after(content: str, at: int, bracket: str) -> int:
    if content[at] != bracket:
        raise ValueError(f"{bracket!r} is expected at character {at + 1}")
    return at + 1


def _skip(content: str, at: int) -> int:
    return _SPACE.match(content, at).end()  # type: ignore[union-attr]  # matches the empty string, too


def _in_file(edit: Edit, cell: _Cell) -> Iterator[Edit]:
    """An edit of a cell's text as edits of the strings in the file."""
    text = json.dumps(edit.text)[1:-1]
    if cell.separator is not None:  # a string for each line
        text = text.replace(r"\n", rf'\n"{cell.separator}"')
    first = 0
    for string in cell.strings:
        last = first + len(string.value)
        start, end = max(edit.start, first), min(edit.end, last)
        inserts = edit.start == edit.end and (start < last or string is cell.strings[-1])
        if start < end or (inserts and first <= edit.start):
            yield Edit(string.positions[start - first], string.positions[end - first], text)
            text = ""
        first = last
