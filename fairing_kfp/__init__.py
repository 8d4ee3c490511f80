"""Runs ordinary Python on Kubeflow Pipelines: functions become images pinned by digest, without Docker.

The public names are declared in `__init__.pyi` and imported on first use, so that `import fairing_kfp` is fast.
"""

from __future__ import annotations

import functools
import importlib
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ALIASES = {"fairing_kfp.mutators": "fairing_kfp.cluster.mutators"}
_MOVED = {
    "fairing_kfp.own_image": "fairing_kfp.recipe.own_image",
    "fairing_kfp.options": "fairing_kfp.component.options",
}


@functools.cache
def _exports() -> dict[str, str]:
    """The module of each public name, read from the stub."""
    import ast
    from pathlib import Path

    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use (PEP 562)."""
    if name == "__all__":
        return __dir__()
    if name.startswith("__") or name not in _exports():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_exports()[name])
    if name not in vars(home):  # a module
        return importlib.import_module(f"{home.__name__}.{name}")
    return getattr(home, name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(_exports())


class _Aliases:
    """Imports modules by their public names, and for one release by their former names."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in _MOVED:
            warnings.warn(f"{name} is deprecated: use {_MOVED[name]}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(name, _Aliases()) if name in _ALIASES or name in _MOVED else None  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """None: importlib creates a module, which `exec_module` replaces."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        # importlib returns the module that it finds here.
        name = module.__name__
        sys.modules[name] = importlib.import_module(_ALIASES.get(name) or _MOVED[name])


sys.meta_path.append(_Aliases)  # type: ignore[arg-type]
