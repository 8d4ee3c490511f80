"""Modules of a package that are imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType


def submodules(package: str) -> Callable[[str], ModuleType]:
    """A module's `__getattr__` (PEP 562) that imports the modules of its package.

    Fairing imported all its modules at once, so code uses `fairing.cloud.gcp` without an import of its own.

    Args:
        package: name of the package.
    """

    def find(name: str) -> ModuleType:
        if not name.startswith("_"):
            try:
                return importlib.import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
