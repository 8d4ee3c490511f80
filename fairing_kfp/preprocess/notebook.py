"""A notebook as it is read: its code cells, and which of them are meant."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.errors import PackError

SKIPPED_TAGS = frozenset({"skip", "skip-execution", "exclude", "fairing:exclude-cell", "injected-parameters"})
"""Cells with one of these tags are left out; the last is what papermill writes into what it has run."""

PARAMETERS = "parameters"
_INCLUDE = "fairing:include-cell"
_MARKER = re.compile(r"\s*#\s*fairing:include-cell\b")


@dataclass(frozen=True)
class Cell:
    """A code cell.

    Attributes:
        number: its place among all cells, from 1.
        source: its text.
        tags: its tags.
    """

    number: int
    source: str
    tags: frozenset[str]

    @property
    def is_included(self) -> bool:
        """Whether it is marked in Fairing's way, by its first line or as a tag."""
        return _INCLUDE in self.tags or bool(_MARKER.match(self.source))


@dataclass(frozen=True)
class Notebook:
    """The code cells of a notebook; what it showed when it last ran is no part of it.

    Attributes:
        path: its file.
        cells: its code cells.
    """

    path: Path
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.path.name

    @property
    def is_marked(self) -> bool:
        """Whether it says by Fairing's `fairing:include-cell` which cells are meant."""
        return any(cell.is_included for cell in self.cells)

    def chosen(self, tags: Collection[str] = ()) -> tuple[Cell, ...]:
        """The cells that are meant.

        With tags: those that have one of them. Else those marked `fairing:include-cell`, if there are any; else all
        that are not tagged to be left out. The cell of the parameters is always among them.

        Raises:
            PackError: no cell has one of the tags.
        """
        cells = tuple(cell for cell in self.cells if not cell.tags & SKIPPED_TAGS)
        if tags:
            wanted = [cell for cell in cells if not cell.tags.isdisjoint(tags)]
            if not wanted:
                known = sorted({tag for cell in self.cells for tag in cell.tags})
                raise PackError(
                    f"no cell of {self.name} is tagged {' or '.join(sorted(tags))}",
                    f"use one of its tags: {', '.join(known)}" if known else "tag its cells, or give no tags=",
                )
        elif self.is_marked:
            wanted = [cell for cell in cells if cell.is_included]
        else:
            return cells
        return tuple(cell for cell in cells if cell in wanted or PARAMETERS in cell.tags)


def read_notebook(path: Path) -> Notebook:
    """Reads a notebook of any format from 3 on.

    Args:
        path: an `.ipynb` file.

    Raises:
        PackError: it is not there, no notebook, or of another language than Python.
    """
    import nbformat  # heavy: a quarter of a second

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PackError(f"there is no notebook {path}", "name an .ipynb file that is there") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"the notebook {path} cannot be read: {error}", "see that it is a readable file") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is told of missing cell ids is mended by the reading itself
            read: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        cells = tuple(
            Cell(number, cell.source, frozenset(cell.metadata.get("tags", ())))
            for number, cell in enumerate(read.cells, 1)
            if cell.cell_type == "code"
        )
    except Exception as error:  # nbformat raises what its JSON, its converters and its validator raise
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise PackError(f"{path} is no notebook: {cause}", "open it in Jupyter and save it again") from error
    _check_language(path, read.metadata)
    return Notebook(path, cells)


def _check_language(path: Path, metadata: Any) -> None:
    kernel = metadata.get("kernelspec", {})
    language = metadata.get("language_info", {}).get("name") or kernel.get("language") or "python"
    if language.lower() not in {"python", "ipython"}:
        shown = kernel.get("display_name") or kernel.get("name")
        raise PackError(
            f"the notebook {path} is written in {language}" + (f" (kernel {shown})" if shown else ""),
            "choose a notebook with a Python kernel",
        )
