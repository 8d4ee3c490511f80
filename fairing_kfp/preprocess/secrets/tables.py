"""Credentials in the columns of tables, whose names are in the first row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from fairing_kfp.preprocess.secrets.match import Match, named
from fairing_kfp.preprocess.secrets.names import Strength, strength_of
from fairing_kfp.preprocess.secrets.values import could_be_credential

SEPARATORS = {".csv": ",", ".tsv": "\t", ".md": "|"}
"""What separates the cells of a row, by the suffix of the file."""

_MOST_ROWS = 10_000
_QUOTES = " \t\r\n\"'`"
_ROW = re.compile(r"(?is)<tr\b[^<>]{0,500}>(.*?)(?=</tr>|<tr\b|</table>|\Z)")
_CELL = re.compile(r"(?is)<t[hd]\b[^<>]{0,500}>(.*?)(?=</t[hd]>|<t[hd]\b|\Z)")
_MARKUP = re.compile(r"<[^<>]*>")
_RULE = frozenset("-+|=: \t\r\n")


def find_in_table(text: str, separator: str) -> Iterator[Match]:
    """Finds credentials in columns such as `password`. In Markdown, a table is its adjacent lines with bars."""
    columns: dict[int, tuple[str, Strength]] = {}
    start, is_within = 0, False
    for number, line in enumerate(text.splitlines(keepends=True)):
        if number > _MOST_ROWS:
            return
        cells = _cells(line, separator)
        if separator == "|" and "|" not in line:
            if "+" not in line or not _RULE.issuperset(line):
                columns, is_within = {}, False
        elif not is_within:
            is_within = True
            names = [cell.strip(_QUOTES) for cell, _ in cells]
            columns = _announced(names)
        else:
            for place, (name, strength) in columns.items():
                value = cells[place][0].strip(_QUOTES) if place < len(cells) else ""
                if could_be_credential(strength, value):
                    yield named(name, value, start + cells[place][1])
        start += len(line)


def find_in_frame(text: str) -> Iterator[Match]:
    """Finds credentials in the columns of a data frame as pandas prints it: aligned by spaces, with an index."""
    header: list[str] = []
    for line in text.splitlines()[:_MOST_ROWS]:
        cells = line.split()
        if len(cells) == len(header) + 1:
            for name, value in zip(header, cells[1:], strict=True):
                if could_be_credential(strength_of(name), value):
                    yield named(name, value, text.find(line) + line.find(value))
        else:
            header = cells if any(strength_of(cell) > Strength.TOKEN for cell in cells) else []


def find_in_grid(text: str) -> Iterator[Match]:
    """Finds credentials in the tables that databases, Spark and tabulate print, with bars and rules."""
    if "|" in text:
        yield from find_in_table(text, "|")


def find_in_markup(text: str) -> Iterator[Match]:
    """Finds credentials in tables of HTML: in columns, and in rows of a name and its value."""
    if "<t" not in text and "<T" not in text:
        return
    import html  # its table of names is large

    columns: dict[int, tuple[str, Strength]] = {}
    for number, row in enumerate(_ROW.finditer(text)):
        if number > _MOST_ROWS:
            return
        cells = [html.unescape(_MARKUP.sub("", cell[1])).strip(_QUOTES) for cell in _CELL.finditer(row[1])]
        if announced := _announced(cells):
            columns = announced
        elif "<td" not in row[1].lower():
            columns = {}
        values = [(name, strength, cells[place]) for place, (name, strength) in columns.items() if place < len(cells)]
        values += [
            (name, strength_of(name), value) for name, value in pairwise(cells) if strength_of(name) > Strength.TOKEN
        ]
        for name, strength, value in values:
            if name != value and could_be_credential(strength, value) and not strength_of(value):
                yield named(name, value, max(0, text.find(value, row.start())))


def _announced(names: list[str]) -> dict[int, tuple[str, Strength]]:
    """The columns whose names announce credentials. A `token` may be a word of a text, too."""
    strengths = ((place, name, strength_of(name)) for place, name in enumerate(names))
    return {
        place: (name, Strength.WEAK if name.lower() == "token" else strength)
        for place, name, strength in strengths
        if strength >= Strength.TOKEN
    }


def _cells(line: str, separator: str) -> list[tuple[str, int]]:
    """The cells of a row, each with its place in the line."""
    cells, place = [], 0
    for cell in line.split(separator):
        cells.append((cell, place + len(cell) - len(cell.lstrip(_QUOTES))))
        place += len(cell) + 1
    return cells
