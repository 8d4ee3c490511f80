"""Credentials in notebooks: in cells, and in their outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fairing_kfp.preprocess.secrets.match import Match
from fairing_kfp.preprocess.secrets.pair import Style
from fairing_kfp.preprocess.secrets.python import find_in_cell
from fairing_kfp.preprocess.secrets.tables import find_in_frame, find_in_grid, find_in_markup
from fairing_kfp.preprocess.secrets.text import find_in_text

_SCRIPTS = ("application/javascript", "application/json")


def find_in_notebook(text: str) -> list[tuple[str, str, Match]] | None:
    """Finds credentials in a notebook. Pictures in outputs and attachments are not searched.

    Returns:
        The matches, each with its cell, such as `cell 3`, and the cell's text; None if the text is not a notebook.
    """
    try:
        document = json.loads(text)
        cells = document["cells"] if "cells" in document else [c for s in document["worksheets"] for c in s["cells"]]
        return [
            (f"cell {number}", _source(cell), match)
            for number, cell in enumerate(cells, 1)
            for match in (*_in_source(cell), *_in_outputs(cell))
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _in_source(cell: Any) -> list[Match]:
    source = _source(cell)
    if cell.get("cell_type") == "code":
        return find_in_cell(source)
    return [
        Match(match.what, match.value, source.count("\n", 0, match.start) + 1, match.name)
        for match in (*find_in_text(source, Style.PROSE), *find_in_grid(source), *find_in_markup(source))
    ]


def _in_outputs(cell: Any) -> Iterator[Match]:
    for output in cell.get("outputs", ()):
        data = output.get("data") or {}
        texts = [output.get("text", ""), output.get("traceback", ""), output.get("evalue", "")]
        texts += [value for kind, value in data.items() if kind.startswith("text/") or kind in _SCRIPTS]
        for text in texts:
            joined = text if isinstance(text, str) else json.dumps(text) if isinstance(text, dict) else _joined(text)
            for match in (*find_in_text(joined, Style.SETTINGS), *_in_tables(joined)):
                yield Match(match.what, match.value, 0, match.name)


def _in_tables(text: str) -> Iterator[Match]:
    """The credentials in the tables of an output, however they are printed."""
    yield from find_in_frame(text)
    yield from find_in_grid(text)
    yield from find_in_markup(text)


def _source(cell: Any) -> str:
    return _joined(cell.get("source", cell.get("input", "")))


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(map(str, text))
