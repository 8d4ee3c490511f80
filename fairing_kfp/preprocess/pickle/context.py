"""The context of one step's pickle: its own modules, source texts, captures and warnings."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path
from typing import Any, Protocol

from fairing_kfp.errors import CaptureError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.modules.collect import OwnModules
from fairing_kfp.preprocess.modules.file_imports import file_imports
from fairing_kfp.preprocess.modules.imports import resolve
from fairing_kfp.preprocess.modules.own import canonical_name, is_by_value, is_own
from fairing_kfp.preprocess.pickle.code import Sources


@dataclass(frozen=True)
class Capture:
    """A value that a function captures.

    Attributes:
        owner: the function's qualified name.
        name: the global or free variable.
        type: the value's type.
        size: the size of its pickle in bytes.
    """

    owner: str
    name: str
    type: str
    size: int


@dataclass
class Packing:
    """The context of one step's pickle. Not reused for the next step, since files may change in between.

    Attributes:
        sources: the source texts of packed functions.
        modules: the own modules that are packed as files.
        captures: the captured values, by function and name.
        packed: the canonical names of modules pickled by value, which the runtime registers.
        warnings: sentences for the author.
        texts: the pickled texts, to be searched for credentials: the function, the name and the text.
    """

    sources: Sources = field(default_factory=Sources)
    modules: OwnModules = field(default_factory=OwnModules)
    captures: dict[tuple[str, str], Capture] = field(default_factory=dict)
    packed: set[str] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)
    texts: list[tuple[str, str, str | bytes]] = field(default_factory=list)
    _by_value: dict[str, bool] = field(default_factory=dict)
    _canonical: dict[str, str] = field(default_factory=dict)

    def is_by_value(self, name: str) -> bool:
        """Whether the functions and classes of a module are pickled by value, because no step can import it."""
        if name not in self._by_value:
            self._by_value[name] = is_by_value(name)
        return self._by_value[name]

    def packed_name(self, name: str) -> str:
        """The canonical name of a module that is pickled by value."""
        if name not in self._canonical:
            self._canonical[name] = canonical_name(name, getattr(sys.modules.get(name), "__file__", None))
            self.packed.add(self._canonical[name])
        return self._canonical[name]

    def module_name(self, obj: Any) -> str | None:
        """The name of an object's module in a step; None if the object has no module."""
        name: str | None = obj.__module__
        return self.packed_name(name) if name in sys.modules and self.is_by_value(name) else name

    def by_reference(self, obj: Any) -> bool:
        """Whether a step can import a function or class; if so, its own module is packed."""
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
        """The module and name in `from module import name` of an imported global; None if it was not imported so.

        Args:
            home: the module of the global.
            name: the global's name.
            value: its value, which must still be the imported one.
            own: whether to look in the user's own modules, or in all others.
        """
        for module, attribute in _origins(home, name):
            if module in sys.modules and not self.is_by_value(module) and is_own(module) == own:
                found = vars(sys.modules[module]).get(attribute)
                if found is value:
                    return module, attribute
        return None


class Pickler(Protocol):
    """What reducers use of a pickler."""

    packing: Packing

    def stable_order(self, members: Iterable[Any]) -> list[Any]:
        """Sorts the members of a set independently of their hashes."""

    def write_as(self, text: str, stable: str) -> None:
        """Replaces a text that contains an address of this process, or a set in random order."""

    def refusal(self, obj: Any, reason: str) -> CaptureError:
        """The error for an object that cannot be pickled."""


Reducer = Callable[[Pickler, Any], Any]
"""Reduces an object to what `pickle` accepts from `__reduce_ex__`, or NotImplemented."""


def _origins(home: types.ModuleType, name: str) -> list[tuple[str, str]]:
    file = getattr(home, "__file__", None)
    if isinstance(file, str) and file.endswith(".py") and Path(file).is_file():
        package = getattr(home, "__package__", None) or ""
        found = {one.local_name: one for one in file_imports(Path(file)) if one.name}.get(name)
        return [(resolve(found.module, found.level, package), found.name)] if found else []
    modules = [
        module for module, it in list(sys.modules.items()) if it is not home and name in getattr(it, "__dict__", ())
    ]
    return [(module, name) for module in sorted(modules, key=lambda module: (len(module), module))]
