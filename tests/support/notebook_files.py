"""Notebooks for tests: those of `tests/notebooks`, and small generated ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import TESTS

FOLDER = TESTS / "notebooks"


@dataclass(frozen=True)
class Case:
    """A notebook of the corpus: its file, its printed result, and the options to run it as code."""

    path: Path
    expected: Any
    only: str
    values: dict[str, Any]
    options: dict[str, Any]


def cases() -> dict[str, Case]:
    found = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        found[path.stem] = Case(path, **json.loads(path.read_text(encoding="utf-8"))["metadata"]["test"])
    return found


def printed(log: str) -> Any:
    """The result that a notebook printed."""
    return json.loads([line for line in log.splitlines() if line.startswith("RESULT ")][-1][7:])


def write(path: Path, *cells: str | tuple[str, Sequence[str]], metadata: dict[str, Any] | None = None) -> Path:
    """Writes a notebook with the given cells, each a text or a text with tags."""
    pairs = [(cell, ()) if isinstance(cell, str) else cell for cell in cells]
    document = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {"tags": list(tags)} if tags else {},
                "outputs": [],
                "source": source,
            }
            for source, tags in pairs
        ],
        "metadata": metadata or {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
