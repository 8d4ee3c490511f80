"""The caller of `from_script` and `from_notebook`, relative to whose file paths are resolved."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.modules.own import canonical_name


@dataclass(frozen=True)
class Caller:
    """The module that makes a component.

    Attributes:
        module: its importable name.
        folder: the folder of its file; the current folder for a notebook or a REPL.
        namespace: its globals.
    """

    module: str
    folder: Path
    namespace: Mapping[str, Any]


def find_caller() -> Caller:
    """Finds the caller of the function that calls this one."""
    namespace = sys._getframe(2).f_globals
    file = namespace.get("__file__")
    module = canonical_name(namespace.get("__name__", "__main__"), file)
    return Caller(module, Path(file).absolute().parent if file else Path.cwd(), namespace)
