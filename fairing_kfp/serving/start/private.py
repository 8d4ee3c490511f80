"""Imports the server's packages in isolation: the user's code does not see them, and they do not see the user's.

The user's packages may include another release of uvicorn, click or h11, which may be newer, older or broken. So the
server's packages are imported from folders outside of `sys.path`, and removed from `sys.modules` once they are loaded.
Their later imports find the modules in the result of `load`.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def load(folders: Sequence[str], names: Iterable[str]) -> Mapping[str, types.ModuleType]:
    """Imports private modules, and the private modules that they import.

    Args:
        folders: the folders with the private packages.
        names: the modules to import.

    Returns:
        All modules that were loaded from the folders, by name.

    Raises:
        ImportError: a module cannot be imported.
    """
    private = _Private(folders)
    others = {name: module for name, module in sys.modules.items() if private.has(name)}
    for name in others:
        del sys.modules[name]
    sys.meta_path.insert(0, private)
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(private)
        for name in [name for name in sys.modules if private.has(name)]:
            private.modules[name] = sys.modules.pop(name)
        sys.modules.update(others)
        private.sealed = True
    return private.modules


class _Private(importlib.abc.MetaPathFinder):
    """Finds private modules, and gives each of them an `import` that finds private modules."""

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = list(folders)
        self.modules: dict[str, types.ModuleType] = {}
        self.sealed = False
        found = [name.partition(".")[0] for folder in folders for name in os.listdir(folder)]
        self._top_level = {name for name in found if name.isidentifier()}
        self._importlib = _Importlib("importlib")
        self._importlib.import_module = self._import_module  # type: ignore[attr-defined]
        self.builtins = {**vars(builtins), "__import__": self._import}

    def has(self, name: str) -> bool:
        """Whether a module of this name is private."""
        return name.partition(".")[0] in self._top_level

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Finds a private module in the folders; None for any other module."""
        if not self.has(fullname):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, self.folders if path is None else path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(self, spec.loader.name, spec.loader.path)
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        """The `__import__` of private modules (https://docs.python.org/3/library/functions.html#import__)."""
        if name.partition(".")[0] == "importlib" and not level:
            found = builtins.__import__(name, globals, locals, fromlist, level)
            return self._importlib if found is importlib else found
        absolute = importlib.util.resolve_name("." * level + name, (globals or {})["__package__"]) if level else name
        if not self.sealed or not self.has(absolute):
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = self._import_module(absolute)
        return module if fromlist or level else self.modules[absolute.partition(".")[0]]

    def _import_module(self, name: str, package: str | None = None) -> types.ModuleType:
        absolute = importlib.util.resolve_name(name, package) if name.startswith(".") else name
        if not self.sealed or not self.has(absolute):
            return importlib.import_module(absolute)
        if absolute not in self.modules:
            raise ModuleNotFoundError(f"{absolute} was not loaded when the server started", name=absolute)
        return self.modules[absolute]


class _Importlib(types.ModuleType):
    """The `importlib` of private modules, whose `import_module` finds private modules."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, private: _Private, name: str, path: str) -> None:
        super().__init__(name, path)
        self._private = private

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__["__builtins__"] = self._private.builtins  # Python looks up `__import__` there
        super().exec_module(module)
