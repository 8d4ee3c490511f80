"""Functions that travel with the user's code: files of `in_step/`, executed without a module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "in_step"


@cache
def functions_of(name: str) -> dict[str, Any]:
    """The functions of a file, in a namespace without a module, so that they are pickled with their code.

    Args:
        name: name of the file.
    """
    path = FOLDER / name
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text("utf-8"), str(path), "exec"), namespace)  # noqa: S102 - a file of this package
    return namespace
