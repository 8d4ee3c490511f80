"""A notebook's file: read as its newest format, and brought to what matters of it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from fairing_kfp.errors import PackError, SecretError
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.notebook import SKIPPED_TAGS

INJECTED = "injected-parameters"


def read_document(path: Path) -> Any:
    """The notebook as nbformat 4 has it; older ones are upgraded, and the file stays as it is.

    Raises:
        PackError: there is no such file, it is no notebook, or its language is not Python.
    """
    import nbformat  # heavy: a quarter of a second

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"the notebook {path} cannot be read: {error}", "name an .ipynb file that is there") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is told of missing cell ids is mended by the reading itself
            document: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
            nbformat.validate(document)
    except Exception as error:  # nbformat raises what its JSON, its converters and its validator raise
        cause = (str(error) or type(error).__name__).splitlines()[0]
        raise PackError(f"{path} is no notebook: {cause}", "open it in Jupyter and save it again") from error
    kernel = document.metadata.get("kernelspec", {})
    language = document.metadata.get("language_info", {}).get("name") or kernel.get("language") or "python"
    if language.lower() not in ("python", "ipython"):
        raise PackError(
            f"the notebook {path} is written in {language} (kernel {kernel.get('name', 'unknown')})",
            "choose a notebook with a Python kernel",
        )
    return document


def is_skipped(cell: Any) -> bool:
    """Whether a cell is for the author alone, such as one that defines and runs the pipeline."""
    return not SKIPPED_TAGS.isdisjoint(cell.metadata.get("tags", ()))


def stripped(document: Any) -> bytes:
    """The notebook without what running and editing it changes: outputs, counts, identifiers, editors' metadata.

    Cells that are left out stay as empty ones, so that the others keep their numbers.
    """
    cells = []
    for number, cell in enumerate(document.cells, 1):
        tags = sorted({*cell.metadata.get("tags", ())} - {INJECTED})
        kept = {
            "id": f"cell-{number}",
            "cell_type": cell.cell_type,
            "metadata": {"tags": tags} if tags else {},
            "source": "" if is_skipped(cell) else cell.source,
        }
        if cell.cell_type == "code":
            kept |= {"outputs": [], "execution_count": None}
        elif cell.get("attachments"):
            kept["attachments"] = cell.attachments
        cells.append(kept)
    name = document.metadata.get("kernelspec", {}).get("name", "python3")
    kernel = {"name": name, "display_name": name, "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    made = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, sort_keys=True, ensure_ascii=False, indent=1).encode()


def check_secrets(document: Any, name: str) -> None:
    """Refuses a notebook that holds a credential.

    Raises:
        SecretError: a cell seems to.
    """
    for number, cell in enumerate(document.cells, 1):
        found = None if is_skipped(cell) else secrets.secret_in_source(cell.source)
        if found:
            raise SecretError(f"cell {number} of {name} holds {found}", secrets.REMEDY)
