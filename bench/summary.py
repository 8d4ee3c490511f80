"""The summary at the top of the README: each measurement with its best peer, read from the tables below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NAME = "summary"
_SECTION = re.compile(r"<!-- (?P<name>[\w-]+) -->\n(?P<text>.*?)<!-- /(?P=name) -->", re.DOTALL)
_ROW = re.compile(r"\|(.*)\|")
_RATIO = re.compile(r"\*\*([\d.]+)\*\*")
_NO_PEERS = (
    "the limit",
    "16 workers",
    "32 workers",
    "without",
    "zstd, likewise",
    "gzip, one layer",
    "zstd, one layer",
)  # our own variants, and what nobody can pass
_HEAD = ("| what | ours | best peer | ratio |", "| --- | --- | --- | --- |")


class _Measurement(NamedTuple):
    what: str
    ours: str
    peer: str
    ratio: str

    @property
    def value(self) -> float:
        """The median of the ratio."""
        found = _RATIO.search(self.ratio)
        return float(found[1]) if found else float("inf")


def summary(readme: str) -> str:
    """The table of the summary, in Markdown: of several peers the one with the lowest ratio."""
    best: dict[tuple[str, str], _Measurement] = {}
    for section in _SECTION.finditer(readme):
        for column, row in _measurements(section["text"]) if section["name"] != NAME else ():
            key = (column, f"{section['name']}: {row.what}")
            if key not in best or row.value < best[key].value:
                best[key] = row._replace(what=key[1])
    lines = [f"| {row.what} | {column}: {row.ours} | {row.peer} | {row.ratio} |" for (column, _), row in best.items()]
    return "\n".join([*_HEAD, *lines])


def _measurements(text: str) -> Iterator[tuple[str, _Measurement]]:
    """The rows of the tables that compare us with a peer, with the heading of our column."""
    heads: list[str] = []
    for line in text.splitlines():
        found = _ROW.fullmatch(line.strip())
        cells = [cell.strip() for cell in found[1].split("|")] if found else []
        if not cells:
            heads = []
        elif not heads:
            heads = cells
        elif heads[3:4] == ["ratio"] and heads[2] not in _NO_PEERS and _RATIO.search(cells[3]):
            yield heads[1], _Measurement(cells[0], cells[1], f"{heads[2]}: {cells[2]}", cells[3])
