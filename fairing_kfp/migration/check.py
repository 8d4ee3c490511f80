"""Whether `fairing_kfp.classic` has what code uses of Fairing."""

from __future__ import annotations

import importlib
import inspect
from functools import cache

from fairing_kfp.migration.names import CLASSIC


@cache
def is_in_classic(path: str) -> bool:
    """Whether `fairing_kfp.classic` has a module, class or function. Members of instances are not checked.

    Args:
        path: its path below the package.
    """
    value = importlib.import_module(CLASSIC)
    for name in filter(None, path.split(".")):
        if not inspect.ismodule(value):
            return inspect.isclass(value) or hasattr(value, name)
        if not hasattr(value, name) and not _is_module(f"{value.__name__}.{name}"):
            return False
        value = getattr(value, name)
    return True


def _is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return False
    return True
