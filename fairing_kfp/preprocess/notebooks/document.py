"""Notebook files: their code cells, which of them are used, and their content without outputs."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Collection
from dataclasses import field
from pathlib import Path
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.secrets.finding import Finding

PARAMETERS = "parameters"
"""Tag of the cell whose variables are inputs."""

_INJECTED = "injected-parameters"  # added by papermill to notebooks that it ran
SKIPPED = frozenset({"skip", "skip-execution", "exclude", "fairing:exclude-cell", _INJECTED})
"""Tags of cells that are left out."""
_INCLUDED = "fairing:include-cell"
_INCLUDE_COMMENT = re.compile(r"\s*#\s*fairing:include-cell\b")


@dataclass(frozen=True)
class Cell:
    """A code cell.

    Attributes:
        number: its position among all cells, including Markdown cells, from 1.
        source: its text.
        tags: its tags.
    """

    number: int
    source: str
    tags: frozenset[str]

    @property
    def is_skipped(self) -> bool:
        """Whether its tags exclude it, as for a cell that runs the pipeline."""
        return not self.tags.isdisjoint(SKIPPED)

    @property
    def is_included(self) -> bool:
        """Whether it has Fairing's `fairing:include-cell`, as a tag or a comment in its first line."""
        return _INCLUDED in self.tags or bool(_INCLUDE_COMMENT.match(self.source))


@dataclass(frozen=True)
class Notebook:
    """A notebook. Two with the same code cells are equal, whatever their outputs.

    Attributes:
        path: its file.
        cells: its code cells.
        document: the whole notebook in nbformat 4; read-only.
    """

    path: Path
    cells: tuple[Cell, ...]
    document: Any = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file name, for messages."""
        return self.path.name

    @property
    def uses_include(self) -> bool:
        """Whether any cell has Fairing's `fairing:include-cell`."""
        return any(cell.is_included for cell in self.cells)

    @property
    def is_python_2(self) -> bool:
        """Whether it was last saved with a kernel of Python 2."""
        version = _mapping(self.document.metadata.get("language_info")).get("version")
        return str(version).startswith("2.") or _kernel(self.document.metadata).get("name") == "python2"

    def select(self, tags: Collection[str] = ()) -> tuple[Cell, ...]:
        """Selects the cells to use.

        With tags, these are the cells that have any of them. Otherwise they are the cells with `fairing:include-cell`
        if there are any, and all cells if not. Skipped cells are never selected, and the parameters cell always is.

        Raises:
            PackError: no cell has any of the tags.
        """
        cells = tuple(cell for cell in self.cells if not cell.is_skipped)
        if tags:
            selected = [cell for cell in cells if not cell.tags.isdisjoint(tags)]
            if not selected:
                known = sorted({tag for cell in self.cells for tag in cell.tags})
                raise PackError(
                    f"no cell of {self.name} is tagged {' or '.join(sorted(tags))}",
                    f"use one of its tags: {', '.join(known)}" if known else "tag its cells, or omit tags=",
                )
        elif self.uses_include:
            selected = [cell for cell in cells if cell.is_included]
        else:
            return cells
        return tuple(cell for cell in cells if cell in selected or PARAMETERS in cell.tags)

    def stripped(self) -> bytes:
        """The notebook without what running and editing change: outputs, execution counts, cell IDs, editor metadata.

        Skipped cells become empty, so that the other cells keep their numbers.
        """
        cells = []
        for number, cell in enumerate(self.document.cells, 1):
            read = read_cell(number, cell)
            tags = sorted(read.tags - {_INJECTED})
            kept = {
                "id": f"cell-{number}",
                "cell_type": cell.cell_type,
                "metadata": {"tags": tags} if tags else {},
                "source": "" if read.is_skipped else read.source,
            }
            if cell.cell_type == "code":
                kept |= {"outputs": [], "execution_count": None}
            elif cell.get("attachments"):
                kept["attachments"] = cell.attachments
            cells.append(kept)
        name = _kernel(self.document.metadata).get("name", "python3")
        kernel = {"name": name, "display_name": name, "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1).encode()

    def findings(self) -> list[Finding]:
        """What looks like a credential in its cells; skipped cells and outputs are not searched."""
        from fairing_kfp.preprocess.secrets.scan import scan_file  # loaded by packing, not by declaring

        return scan_file(self.name, self.name, self.stripped())


def read_notebook(path: Path) -> Notebook:
    """Reads a notebook in format 3 or 4.

    Args:
        path: an `.ipynb` file.

    Raises:
        PackError: the file does not exist, is not a notebook, or its language is not Python.
    """
    import nbformat  # heavy: a quarter of a second

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PackError(f"the notebook {path} does not exist", "give the path of an .ipynb file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"cannot read the notebook {path}: {error}", "make it a readable file in UTF-8") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing cell IDs, which reading adds
            document: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        read = [(read_cell(number, cell), cell.cell_type) for number, cell in enumerate(document.cells, 1)]
        cells = tuple(cell for cell, kind in read if kind == "code")
    except Exception as error:  # of JSON, of nbformat's converters or of its validator
        raise _not_a_notebook(path, error) from error
    check_language(path, document.metadata)
    return Notebook(path, cells, document)


def read_cell(number: int, cell: Any) -> Cell:
    """Reads a cell; what nbformat does not know in it is of no use here.

    Args:
        number: its position, from 1.
        cell: the cell in nbformat 4.

    Raises:
        ValueError: its kind is unknown, or its source is not a text.
    """
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise ValueError(f"cell {number} has no cell_type of code, markdown or raw")
    source = cell.get("source", "")
    if not isinstance(source, str):
        raise ValueError(f"the source of cell {number} is not a text")
    tags = _mapping(cell.get("metadata")).get("tags") or ()
    return Cell(number, source, frozenset([tags] if isinstance(tags, str) else map(str, tags)))


def _mapping(value: Any) -> Any:
    """An object of the notebook's metadata. A text, as some editors write, is its name."""
    if isinstance(value, str):
        return {"name": value}
    return value if isinstance(value, dict) else {}


def _kernel(metadata: Any) -> Any:
    return _mapping(metadata.get("kernelspec"))


def _not_a_notebook(path: Path, error: Exception) -> PackError:
    cause = (str(error) or type(error).__name__).splitlines()[0]
    return PackError(f"{path} is not a notebook: {cause}", "open it in Jupyter and save it again")


def check_language(path: Path, metadata: Any) -> None:
    """Rejects a notebook in another language.

    Args:
        path: its file, for messages.
        metadata: its metadata.

    Raises:
        PackError: its language is not Python.
    """
    kernel = _kernel(metadata)
    language = str(_mapping(metadata.get("language_info")).get("name") or kernel.get("language") or "python")
    if language.lower() not in {"python", "ipython"}:
        shown = kernel.get("display_name") or kernel.get("name")
        raise PackError(
            f"the notebook {path} is written in {language}" + (f" (kernel {shown})" if shown else ""),
            "choose a notebook with a Python kernel",
        )
