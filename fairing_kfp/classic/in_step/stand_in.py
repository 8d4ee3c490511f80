"""Fairing's calls in a container: `fairing_kfp.classic` and `kubeflow.fairing` can be imported, and do nothing.

A script or notebook that submits itself is run there unchanged, so its calls of Fairing must not submit it again.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence
from typing import Any

_CLASSIC, _KUBEFLOW = "fairing_kfp.classic", "kubeflow"
_ROOTS = (_CLASSIC, "kubeflow.fairing")


class Inert:
    """Takes any call, and does nothing. `fn` returns the function that it is given."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.fn if name == "fn" else Inert()

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return Inert()

    def __str__(self) -> str:
        return ""

    @staticmethod
    def fn(function: Any) -> Any:
        return function


class _Module(types.ModuleType):
    """A module with every name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Inert if name[:1].isupper() else Inert()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of Fairing's calls, and adds `classic` to the package that a step has of ours."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if any(f"{fullname}.".startswith(f"{root}.") for root in _ROOTS):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        if fullname not in (_KUBEFLOW, _CLASSIC.partition(".")[0]):
            return None
        others = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        found = next((spec for spec in others if spec is not None), None)
        if found is None:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if fullname == _KUBEFLOW else None
        if found.loader is not None and hasattr(found.loader, "exec_module"):
            found.loader = _WithFairing(found.loader)
        return found

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None if spec.name == _KUBEFLOW else _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _WithFairing(importlib.abc.Loader):
    """Loads a package, and then imports its part of Fairing's calls, which it may deny otherwise."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        made: types.ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        self._loader.exec_module(module)
        name = next(root for root in _ROOTS if root.startswith(f"{module.__name__}."))
        setattr(module, name.rpartition(".")[2], importlib.import_module(name))


sys.meta_path.insert(0, _Finder())
