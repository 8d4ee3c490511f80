"""Reducers of functions: their code, closure, and the globals that they use."""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import inspect
import sys
import types
from typing import Any, cast

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.modules.imports import absolute_names
from fairing_kfp.preprocess.pickle.attrs_hash import stable_hash_code
from fairing_kfp.preprocess.pickle.code import portable_code
from fairing_kfp.preprocess.pickle.context import Packing, Pickler
from fairing_kfp.preprocess.pickle.generated_text import stable_doc
from fairing_kfp.preprocess.pickle.interpreter import own_annotations
from fairing_kfp.preprocess.pickle.references import References, references
from fairing_kfp.preprocess.pickle.values import constant_key, reduce_generic, with_own_module
from fairing_kfp.runtime import rebuild

_SHELL = "IPython.core.interactiveshell"
"""The module with the `open` of notebooks, which refuses the file descriptors of the kernel."""


@dataclass(frozen=True, eq=False)
class Captured:
    """A captured value to pickle: a global of a function, or the content of a closure's cell."""

    function: types.FunctionType
    name: str
    value: Any

    @property
    def is_global(self) -> bool:
        """Whether it is a global, rather than the content of a cell."""
        return self.function.__globals__.get(self.name, self) is self.value

    def __str__(self) -> str:
        """The value as the subject of a message."""
        return f"{self.name!r}, captured by {self.function.__qualname__},"


class Namespace:
    """Globals without a module, such as those of `exec` or of a named tuple's constructor."""


class Functions:
    """Reduces functions. Keeps the objects that it creates, so that each is written once."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self._codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        self._namespaces: dict[int, Namespace] = {}
        self._cells: dict[int, tuple[types.FunctionType, str]] = {}

    def reduce(self, pickler: Pickler, function: types.FunctionType) -> Any:
        """Reduces a function to its code and globals, unless a step can import it."""
        if self._packing.by_reference(function):
            return NotImplemented
        if _home_of(function) == _SHELL and getattr(function, "__wrapped__", None) is builtins.open:
            return getattr, (builtins, "open")
        generic = reduce_generic(pickler, function)
        if generic:
            return generic
        home, found = self.home(function), references(function.__code__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cells.setdefault(id(cell), (function, name))
        state = {
            "__name__": function.__name__,
            "__qualname__": function.__qualname__,
            "__module__": self._packing.module_name(function),
            "__doc__": _doc(pickler, function),
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": own_annotations(function),
            "__dict__": with_own_module(pickler, function),
            "__globals__": self._globals(function, home, found),
            "__imports__": self._submodules(function, found),
        }
        if used := self._used(function, found):
            state["__used__"] = used
        if getattr(function, "__type_params__", ()):  # Python 3.12
            state["__type_params__"] = function.__type_params__  # type: ignore[attr-defined]
        arguments = self._code(function, home), home, function.__closure__
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def home(self, function: types.FunctionType) -> types.ModuleType | Namespace:
        """The module that owns a function's globals. `__module__` may differ, since `functools.wraps` copies it."""
        space = function.__globals__
        module = sys.modules.get(space.get("__name__", ""))
        file = space.get("__file__")
        if module is not None and (
            module.__dict__ is space or (file is not None and getattr(module, "__file__", None) == file)
        ):  # the latter if its file was imported again
            return module
        return self._namespaces.setdefault(id(space), Namespace())

    def _is_by_value(self, home: types.ModuleType | Namespace) -> bool:
        return isinstance(home, Namespace) or self._packing.is_by_value(home.__name__)

    def _code(self, function: types.FunctionType, home: types.ModuleType | Namespace) -> types.CodeType:
        key, code = id(function.__code__), stable_hash_code(function.__code__)
        if key not in self._codes:
            first = code.co_firstlineno
            if isinstance(home, Namespace) or self._is_by_value(home):
                name = "exec" if isinstance(home, Namespace) else self._packing.packed_name(home.__name__)
                filename = self._packing.sources.add(code, f"{name}.{function.__qualname__}")
            else:
                filename = self._packing.modules.place_of(home.__name__, code.co_filename)
                first = 1 if filename else first
            made = portable_code(code, filename or f"<{function.__qualname__}>", first)
            self._codes[key] = function.__code__, made
        return self._codes[key][1]

    def _globals(
        self, function: types.FunctionType, home: types.ModuleType | Namespace, found: References
    ) -> dict[str, Captured]:
        """The globals that a function uses; none if a step can import its module, which defines them."""
        space = function.__globals__
        for name in absolute_names(found.imports, space.get("__package__") or ""):
            self._packing.modules.add(name)
        if not self._is_by_value(home):
            self._packing.modules.add(home.__name__)  # type: ignore[union-attr]
            return {}
        if "__file__" in found.names and "__file__" in space:
            self._packing.warnings[
                f"{function.__qualname__} reads __file__, which is not set in a step; move the function to another "
                f"module, which is packed as a file, or pass what it reads as an input"
            ] = None
        return {
            name: Captured(function, name, space[name])
            for name in found.names
            if name in space
            and not (name.startswith("__") and name.endswith("__"))
            and not _is_builtin_of_ipython(name, space[name])
        }

    def _submodules(self, function: types.FunctionType, found: References) -> tuple[types.ModuleType, ...]:
        """The modules that a function reaches through their package (`package.module.name`). A step imports them."""
        reached = {}
        free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for root, *rest in found.chains:
            value = function.__globals__.get(root)
            if root in free:
                with contextlib.suppress(ValueError):
                    value = free[root].cell_contents
            if isinstance(value, types.ModuleType):
                name = value.__name__
                for part in rest:
                    name = f"{name}.{part}"
                    if not isinstance(sys.modules.get(name), types.ModuleType) or self._packing.is_by_value(name):
                        break
                    reached[name] = sys.modules[name]
        return tuple(reached[name] for name in sorted(reached))

    def _used(
        self, function: types.FunctionType, found: References
    ) -> tuple[tuple[types.ModuleType, str, Captured], ...]:
        """What a function uses of modules that are pickled by value (`notebook.helper`). A step restores it there."""
        used = {}
        for root, name, *_ in found.chains:
            module = function.__globals__.get(root)
            if not isinstance(module, types.ModuleType) or name not in vars(module):
                continue
            if self._packing.is_by_value(module.__name__):
                used[root, name] = module, name, Captured(function, name, vars(module)[name])
        return tuple(used[key] for key in sorted(used))

    def reduce_cell(self, cell: types.CellType) -> Any:
        """Reduces a closure's cell, which may refer to its own function."""
        try:
            content = cell.cell_contents
        except ValueError:  # unbound
            return rebuild.cell, ()
        if id(cell) in self._cells:
            content = Captured(*self._cells[id(cell)], content)
        return rebuild.cell, (), (content,), None, None, rebuild.set_cell

    def origin(self, captured: Captured, *, own: bool) -> tuple[str, str] | None:
        """The module, and the name in it, from which a step imports a captured value; None if the value is copied.

        Values from installed modules are imported, except constants and objects with an importable name. Values from
        own modules are imported only if they cannot be copied.

        Args:
            captured: the value.
            own: whether to look in the user's own modules, or in all others.
        """
        value, home = captured.value, self.home(captured.function)
        if isinstance(home, Namespace) or isinstance(value, types.ModuleType) or not captured.is_global:
            return None
        if constant_key(value) is not None or self._packing.by_reference(value):
            return None
        return self._packing.imported_from(home, captured.name, value, own=own)


def _doc(pickler: Pickler, function: types.FunctionType) -> str | None:
    """The docstring of a function; that of a data class if `functools.wraps` has copied it."""
    doc, wrapped = function.__doc__, cast("Any", function)
    with contextlib.suppress(ValueError):  # a circle
        wrapped = inspect.unwrap(wrapped)
    if doc and dataclasses.is_dataclass(wrapped):
        pickler.write_as(doc, stable_doc(doc, wrapped))
    return doc


def _home_of(function: types.FunctionType) -> str:
    """The name of the module whose code a function is. `__module__` may differ, since `functools.wraps` copies it."""
    return str(function.__globals__.get("__name__"))


def _is_builtin_of_ipython(name: str, value: Any) -> bool:
    """Whether a global is `open`, `exit` or `quit` of IPython, which stand for the built-in functions in a notebook."""
    home = _home_of(value) if isinstance(value, types.FunctionType) else type(value).__module__
    return hasattr(builtins, name) and home.partition(".")[0] == "IPython"
