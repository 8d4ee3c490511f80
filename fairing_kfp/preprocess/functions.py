"""How functions are taken apart: code, closure, and the globals that they use and no more."""

from __future__ import annotations

import contextlib
import inspect
import sys
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import SecretError
from fairing_kfp.preprocess import secrets, values
from fairing_kfp.preprocess.code_names import References, imported_names, references
from fairing_kfp.preprocess.constants import constant_key
from fairing_kfp.preprocess.portable_code import portable_code
from fairing_kfp.runtime import rebuild

if TYPE_CHECKING:
    from fairing_kfp.preprocess.packing import Packing
    from fairing_kfp.preprocess.pickling import StablePickler


@dataclass(frozen=True, eq=False)
class Captured:
    """A captured value on its way into the pickle: a value of a function's globals, or of a closure's cell."""

    function: types.FunctionType
    name: str
    value: Any

    @property
    def is_global(self) -> bool:
        """Whether it is a global, and not the content of a cell."""
        return self.function.__globals__.get(self.name, self) is self.value

    def __str__(self) -> str:
        """What it is called in messages."""
        return f"{self.name!r}, captured by {self.function.__qualname__},"


class Namespace:
    """Globals that belong to no module: those of `exec`, or of a named tuple's constructor."""


class Functions:
    """Takes functions apart. What it makes on the way is kept, so that each object is written once."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self._codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        self._namespaces: dict[int, Namespace] = {}
        self._cells: dict[int, tuple[types.FunctionType, str]] = {}

    def reduce(self, pickler: StablePickler, function: types.FunctionType) -> Any:
        """A function by value, unless a step can import it."""
        if self._packing.by_reference(function):
            return NotImplemented
        generic = values.reduce_generic(pickler, function)
        if generic:
            return generic
        home, found = self.home(function), references(function.__code__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cells.setdefault(id(cell), (function, name))
        state = {
            "__name__": function.__name__,
            "__qualname__": function.__qualname__,
            "__module__": self._packing.module_name(function),
            "__doc__": function.__doc__,
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": inspect.get_annotations(function),
            "__dict__": function.__dict__,
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
        """The module whose globals a function has; not always that of `__module__`, which `functools.wraps` copies."""
        space = function.__globals__
        module = sys.modules.get(space.get("__name__", ""))
        file = space.get("__file__")
        if module is not None and (
            module.__dict__ is space or (file is not None and getattr(module, "__file__", None) == file)
        ):  # the latter when its file was imported again
            return module
        return self._namespaces.setdefault(id(space), Namespace())

    def _is_taken_apart(self, home: types.ModuleType | Namespace) -> bool:
        return isinstance(home, Namespace) or self._packing.is_by_value(home.__name__)

    def _code(self, function: types.FunctionType, home: types.ModuleType | Namespace) -> types.CodeType:
        code = function.__code__
        if id(code) not in self._codes:
            first = code.co_firstlineno
            if isinstance(home, Namespace) or self._is_taken_apart(home):
                name = "exec" if isinstance(home, Namespace) else self._packing.packed_name(home.__name__)
                filename = self._packing.sources.add(function, name)
                self._check_secrets(function, filename)
            else:
                filename = self._packing.modules.place_of(home.__name__, code.co_filename)
                first = 1 if filename else first
            self._codes[id(code)] = code, portable_code(code, filename or f"<{function.__qualname__}>", first)
        return self._codes[id(code)][1]

    def _check_secrets(self, function: types.FunctionType, filename: str) -> None:
        found = secrets.secret_in_source(self._packing.sources.texts.get(filename, ""))
        if found:
            raise SecretError(f"{function.__qualname__} holds {found}", secrets.REMEDY)

    def _globals(
        self, function: types.FunctionType, home: types.ModuleType | Namespace, found: References
    ) -> dict[str, Captured]:
        """The globals that the function uses; none when its module can be imported, which then brings them."""
        space = function.__globals__
        for name in imported_names(found, space.get("__package__") or ""):
            self._packing.modules.add(name)
        if not self._is_taken_apart(home):
            self._packing.modules.add(home.__name__)  # type: ignore[union-attr]
            return {}
        if "__file__" in found.names and "__file__" in space:
            self._packing.warnings[
                f"{function.__qualname__} reads __file__, which it has not in a step; move it to a module of its own, "
                f"which travels as a file, or pass what it reads as an input"
            ] = None
        return {
            name: Captured(function, name, space[name])
            for name in found.names
            if name in space and not (name.startswith("__") and name.endswith("__"))
        }

    def _submodules(self, function: types.FunctionType, found: References) -> tuple[types.ModuleType, ...]:
        """The modules that the function reaches through a package (`package.module.name`): a step imports them."""
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
        """What the function uses of modules that are taken apart (`notebook.helper`): a step puts it back there."""
        used = {}
        for root, name, *_ in found.chains:
            module = function.__globals__.get(root)
            if not isinstance(module, types.ModuleType) or name not in vars(module):
                continue
            if self._packing.is_by_value(module.__name__):
                used[root, name] = module, name, Captured(function, name, vars(module)[name])
        return tuple(used[key] for key in sorted(used))

    def reduce_cell(self, cell: types.CellType) -> Any:
        """A closure's cell, which may refer to its own function."""
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet
            return rebuild.cell, ()
        if id(cell) in self._cells:
            content = Captured(*self._cells[id(cell)], content)
        return rebuild.cell, (), (content,), None, None, rebuild.set_cell

    def origin(self, captured: Captured, *, own: bool) -> tuple[str, str] | None:
        """The module and the name there from which a step imports a captured value instead of copying it, if any.

        What comes from an installed module is imported, unless it is a constant or has a name of its own; what comes
        from an own module only when it cannot be copied.

        Args:
            captured: the value.
            own: whether to look among the user's own modules, or among all others.
        """
        value, home = captured.value, self.home(captured.function)
        if isinstance(home, Namespace) or isinstance(value, types.ModuleType) or not captured.is_global:
            return None
        if constant_key(value) is not None or self._packing.by_reference(value):
            return None
        return self._packing.imported_from(home, captured.name, value, own=own)
