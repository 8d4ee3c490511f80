"""Tables in Markdown, for the terminal and this folder's README."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Cost, Row, Table
from bench.summary import NAME as SUMMARY
from bench.summary import summary

README = Path(__file__).parent / "README.md"


def as_markdown(table: Table | str) -> str:
    """The table in Markdown, with aligned columns; one that is Markdown already, unchanged."""
    if isinstance(table, str):
        return table
    counted = any(row.ours.requests is not None for row in table.rows)
    heads = ["", table.ours, table.peer, "ratio", *(["requests", "sent"] if counted else [])]
    lines = [heads, *([row.what, *_cells(row, counted)] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [_line(line, widths) for line in lines]
    texts.insert(1, _line(["-" * width for width in widths], widths))
    return "\n".join([*texts, "", table.note] if table.note else texts)


def write(name: str, text: str, readme: Path = README) -> None:
    """Replaces the results of a benchmark in the README, and its summary."""
    after = _replaced(readme, readme.read_text(encoding="utf-8"), name, text)
    readme.write_text(_replaced(readme, after, SUMMARY, summary(after)), encoding="utf-8")


def _replaced(readme: Path, before: str, name: str, text: str) -> str:
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    after, count = mark.subn(lambda found: f"{found[1]}{text}\n{found[2]}", before)
    if count != 1:
        raise ValueError(f"{readme.name} has {count} places for the results of {name}")
    return after


def _cells(row: Row, counted: bool) -> list[str]:
    middle, low, high = (_short(ratio) for ratio in row.ratios)
    shown = _time if row.of == "seconds" else _peak
    cells = [shown(row.ours), shown(row.peer), f"**{middle}** ({low} to {high})"]
    if counted:
        cells += [f"{row.ours.requests} : {row.peer.requests}", f"{_size(row.ours)} : {_size(row.peer)}"]
    return cells


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def _time(cost: Cost) -> str:
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e3, "ms")) if cost.seconds * s >= 1), (1e6, "µs"))
    return f"{cost.seconds * scale:.3g} {unit}"


def _size(cost: Cost) -> str:
    sent = cost.sent or 0
    return f"{sent / 1e6:.4g} MB" if sent >= 1e6 else f"{sent / 1000:.1f} kB" if sent else "0"


def _peak(cost: Cost) -> str:
    return f"{(cost.peak or 0) / 1e6:.1f} MB"
