"""What is found out and kept while one step is packed."""

from __future__ import annotations

import ast
import sys
import types
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from fairing_kfp.preprocess.code_names import resolve
from fairing_kfp.preprocess.modules import OwnModules, canonical_name, is_by_value, is_own
from fairing_kfp.preprocess.portable_code import Sources


@dataclass(frozen=True)
class Capture:
    """A value that a function brings along from outside of it.

    Attributes:
        owner: the function's qualified name.
        name: the global or free variable.
        type: the value's type.
        size: bytes of its pickle.
    """

    owner: str
    name: str
    type: str
    size: int


@dataclass
class Packing:
    """The surroundings of one step's pickle. Its answers are kept for one packing only: a notebook's files change.

    Attributes:
        sources: the texts of packed functions.
        modules: the own modules that travel as files.
        captures: the values that functions bring along.
        packed: the canonical names of the modules that were taken apart, which the runtime registers.
        warnings: sentences for the author.
    """

    sources: Sources = field(default_factory=Sources)
    modules: OwnModules = field(default_factory=OwnModules)
    captures: dict[tuple[str, str], Capture] = field(default_factory=dict)
    packed: set[str] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)
    _by_value: dict[str, bool] = field(default_factory=dict)
    _canonical: dict[str, str] = field(default_factory=dict)

    def is_by_value(self, name: str) -> bool:
        """Whether what a module defines is pickled by value, because no step could import the module."""
        if name not in self._by_value:
            self._by_value[name] = is_by_value(name)
        return self._by_value[name]

    def packed_name(self, name: str) -> str:
        """The canonical name of a module that is taken apart."""
        if name not in self._canonical:
            self._canonical[name] = canonical_name(name, getattr(sys.modules.get(name), "__file__", None))
            self.packed.add(self._canonical[name])
        return self._canonical[name]

    def module_name(self, obj: Any) -> str | None:
        """The name under which a step knows the module of a function or class; it may be of no module at all."""
        name: str | None = obj.__module__
        return self.packed_name(name) if name in sys.modules and self.is_by_value(name) else name

    def by_reference(self, obj: Any) -> bool:
        """Whether a step finds a function or class by its name; its own module then travels."""
        name = getattr(obj, "__module__", None)
        if not isinstance(name, str) or self.is_by_value(name):
            return False
        qualified = getattr(obj, "__qualname__", None)
        if not isinstance(qualified, str):
            return False
        found: Any = sys.modules.get(name)
        for part in qualified.split("."):
            found = getattr(found, part, None)
        if found is not obj:
            return False
        self.modules.add(name)
        return True

    def imported_from(self, home: types.ModuleType, name: str, value: Any, *, own: bool) -> tuple[str, str] | None:
        """The module and the name there that a global was imported from (`from module import name`), if any.

        Args:
            home: the module that has the global.
            name: the global's name.
            value: its value, which must still be the one that was imported.
            own: whether to look among the user's own modules, or among all others.
        """
        for module, attribute in _origins(home, name):
            if module in sys.modules and not self.is_by_value(module) and is_own(module) == own:
                found = vars(sys.modules[module]).get(attribute)
                if found is value:
                    return module, attribute
        return None


def _origins(home: types.ModuleType, name: str) -> list[tuple[str, str]]:
    file = getattr(home, "__file__", None)
    if isinstance(file, str) and file.endswith(".py") and Path(file).is_file():
        package = getattr(home, "__package__", None) or ""
        found = _from_imports(file, Path(file).stat().st_mtime_ns).get(name)
        return [(resolve(found[0], found[1], package), found[2])] if found else []
    modules = [
        module for module, it in list(sys.modules.items()) if it is not home and name in getattr(it, "__dict__", ())
    ]
    return [(module, name) for module in sorted(modules, key=lambda module: (len(module), module))]


@lru_cache(maxsize=64)
def _from_imports(file: str, modified: int) -> dict[str, tuple[str, int, str]]:
    """What a file takes from modules at any depth: local name → module, level, name there."""
    tree = ast.parse(Path(file).read_bytes())
    return {
        alias.asname or alias.name: (node.module or "", node.level, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
