"""A pickler whose bytes depend on the code alone.

cloudpickle shows how functions and classes are taken apart; what it leaves to chance is settled here. The same
function gives the same bytes in every process, whatever its hash seed, user, folder, machine or time, because

- sets are written in the order of their members' own bytes;
- classes, type variables and enums carry no random identity (cloudpickle's tracker);
- equal constants are written alike, whether or not they are one object;
- code is written by `portable_code`, without paths and absolute line numbers;
- globals and modules go under their canonical names: a script run as `__main__` is the module it is imported as.

What has no stable form (an open file, a random generator) is refused, unless a step can import it by its name.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import cloudpickle.cloudpickle as cp

from fairing_kfp.errors import CaptureError, FairingError, SecretError
from fairing_kfp.preprocess import classes, secrets, values
from fairing_kfp.preprocess.code_names import References, imported_names, references
from fairing_kfp.preprocess.constants import CONSTANTS, constant_key
from fairing_kfp.preprocess.packing import Capture, Packing
from fairing_kfp.preprocess.portable_code import code_fields, portable_code
from fairing_kfp.runtime import rebuild

_PythonPickler: Any = pickle._Pickler
"""The pickler in Python: C's cannot be told to write equal strings alike."""

PROTOCOL = 5  # Python 3.8 and later; fixed, as the newest one would follow the author's Python
_DEEPEST = 10_000  # Python frames; a chain of helpers takes about twenty for each
_ATOMS = (int, bool, float, type(None))
_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, *values.FUNCTION_LIKE)


class _Captured:
    """A captured value on its way into the pickle: a value of a function's globals, or of a closure's cell."""

    __slots__ = ("function", "name", "value")

    def __init__(self, function: types.FunctionType, name: str, value: Any) -> None:
        self.function = function
        self.name = name
        self.value = value


class _Namespace:
    """Globals that belong to no module: those of `exec`, or of a named tuple's constructor."""


class _ImportInstead(Exception):  # noqa: N818 - no error, a second try
    """A global cannot be copied, but a step can import it."""


def dumps(value: Any, packing: Packing) -> bytes:
    """The stable pickle of a value.

    Raises:
        CaptureError: something in it cannot be pickled, or not stably; it is named.
        SecretError: something in it looks like a credential.
    """
    imported: set[tuple[int, str]] = set()
    with _deep_recursion():
        while True:
            buffer = io.BytesIO()
            try:
                StablePickler(buffer, packing, imported).dump(value)
            except _ImportInstead:
                continue
            return buffer.getvalue()


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class StablePickler(_PythonPickler):  # type: ignore[misc]
    """Pickles by value what no step can import, and everything else by reference."""

    dispatch_table: ClassVar[Any] = cp.Pickler.dispatch_table

    def __init__(self, file: io.BytesIO, packing: Packing, imported: set[tuple[int, str]]) -> None:
        super().__init__(file, PROTOCOL)
        self.packing = packing
        self._file = file
        self._imported = imported
        self._trail: list[str] = []
        self._interned: dict[Any, Any] = {}
        self._codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        self._namespaces: dict[int, _Namespace] = {}
        self._cells: dict[int, tuple[types.FunctionType, str]] = {}

    # ── every object ────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Saves one object; `pickle` calls this for each."""
        kind = type(obj)
        if kind in _ATOMS:
            self.framer.commit_frame()
            self.dispatch[kind](self, obj)
            return
        named = kind is _Captured or kind is types.FunctionType or issubclass(kind, type)
        if named:
            self._trail.append(self._name(obj))
        try:
            if kind is _Captured:
                self._save_captured(obj)
            else:
                super().save(self._canonical(obj, kind), save_persistent_id)
        except (FairingError, _ImportInstead):
            raise
        except RecursionError as error:
            raise self.refusal(obj, "it is nested too deeply") from error
        except Exception as error:  # pickling runs the user's own __reduce__, which may raise anything
            raise self.refusal(obj, str(error)) from error
        if named:
            self._trail.pop()

    def _canonical(self, obj: Any, kind: type) -> Any:
        """The first of equal constants; whether they are one object depends on how their file was compiled."""
        if kind in CONSTANTS:
            key = constant_key(obj)
        elif kind in values.CACHED:
            key = values.cached_key(obj)
        else:
            return obj
        if key is None:
            return obj
        if kind is str and key not in self._interned:
            form = secrets.secret_form(obj)
            if form:
                raise SecretError(f"{self._where()} holds {form}", secrets.REMEDY)
        return self._interned.setdefault(key, obj)

    def reducer_override(self, obj: Any) -> Any:
        """How to take an object apart; NotImplemented leaves it to `pickle` and cloudpickle."""
        kind = type(obj)
        if kind is str:
            return NotImplemented
        reduce = _REDUCERS.get(kind) or values.REDUCERS.get(kind)
        if reduce is not None:
            return reduce(self, obj)
        if issubclass(kind, type):  # isinstance believes `list[int]`, which claims to be one
            return classes.reduce_class(self, obj)
        if isinstance(obj, types.ModuleType):
            return self._module(obj)
        return values.reduce_value(self, obj)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Saves a name of a module; refused when no step could import the module."""
        module = pickle.whichmodule(obj, name or obj.__qualname__)  # type: ignore[attr-defined]
        if self.packing.is_by_value(module):
            raise self.refusal(obj, f"it can only be named, not copied, and {module} is not a module of the step's")
        self.packing.modules.add(module)
        super().save_global(obj, name)

    # ── functions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _function(self, function: types.FunctionType) -> Any:
        if self.packing.by_reference(function):
            return NotImplemented
        generic = values.reduce_generic(self, function)
        if generic:
            return generic
        home, found = self._home(function), references(function.__code__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._cells.setdefault(id(cell), (function, name))
        state = {
            "__name__": function.__name__,
            "__qualname__": function.__qualname__,
            "__module__": self.packing.module_name(function),
            "__doc__": function.__doc__,
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": inspect.get_annotations(function),
            "__dict__": function.__dict__,
            "__globals__": self._globals(function, home, found),
            "__imports__": self._submodules(function, found),
        }
        if getattr(function, "__type_params__", ()):  # Python 3.12
            state["__type_params__"] = function.__type_params__  # type: ignore[attr-defined]
        arguments = self._code(function, home), home, function.__closure__
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def _home(self, function: types.FunctionType) -> types.ModuleType | _Namespace:
        """The module whose globals a function has; not always that of `__module__`, which `functools.wraps` copies."""
        space = function.__globals__
        module = sys.modules.get(space.get("__name__", ""))
        file = space.get("__file__")
        if module is not None and (
            module.__dict__ is space or (file is not None and getattr(module, "__file__", None) == file)
        ):  # the latter when its file was imported again
            return module
        return self._namespaces.setdefault(id(space), _Namespace())

    def _is_taken_apart(self, home: types.ModuleType | _Namespace) -> bool:
        return isinstance(home, _Namespace) or self.packing.is_by_value(home.__name__)

    def _code(self, function: types.FunctionType, home: types.ModuleType | _Namespace) -> types.CodeType:
        code = function.__code__
        if id(code) not in self._codes:
            first = code.co_firstlineno
            if isinstance(home, _Namespace) or self._is_taken_apart(home):
                name = "exec" if isinstance(home, _Namespace) else self.packing.packed_name(home.__name__)
                filename = self.packing.sources.add(function, name)
            else:
                filename = self.packing.modules.place_of(home.__name__, code.co_filename)
                first = 1 if filename else first
            self._codes[id(code)] = code, portable_code(code, filename or f"<{function.__qualname__}>", first)
        return self._codes[id(code)][1]

    def _globals(
        self, function: types.FunctionType, home: types.ModuleType | _Namespace, found: References
    ) -> dict[str, _Captured]:
        """The globals that the function uses; none when its module can be imported, which then brings them."""
        space = function.__globals__
        for name in imported_names(found, space.get("__package__") or ""):
            self.packing.modules.add(name)
        if not self._is_taken_apart(home):
            self.packing.modules.add(home.__name__)  # type: ignore[union-attr]
            return {}
        if "__file__" in found.names and "__file__" in space:
            self.packing.warnings[
                f"{function.__qualname__} reads __file__, which it has not in a step; move it to a module of its own, "
                f"which travels as a file, or pass what it reads as an input"
            ] = None
        return {
            name: _Captured(function, name, space[name])
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
                    if not isinstance(sys.modules.get(name), types.ModuleType) or self.packing.is_by_value(name):
                        break
                    reached[name] = sys.modules[name]
        return tuple(reached[name] for name in sorted(reached))

    def _cell(self, cell: types.CellType) -> Any:
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet
            return rebuild.cell, ()
        if id(cell) in self._cells:
            content = _Captured(*self._cells[id(cell)], content)
        return rebuild.cell, (), (content,), None, None, rebuild.set_cell

    # ── captured values ─────────────────────────────────────────────────────────────────────────────────────────

    def _save_captured(self, captured: _Captured) -> None:
        """Saves a value and notes its size, so that what is heavy or wrong is said under its name."""
        function, name, value = captured.function, captured.name, captured.value
        if isinstance(value, (str, bytes)):
            text = value if isinstance(value, str) else value.decode("latin-1")
            if secrets.secret_name(name, text):
                raise SecretError(f"{self._where()} looks like a credential", secrets.REMEDY)
        origin = self._origin(captured)
        if origin:
            self.packing.modules.add(origin[0])
            self.save_reduce(getattr, (sys.modules[origin[0]], origin[1]), obj=None)
            return
        before = self._position()
        try:
            self.save(value)
        except CaptureError:
            if self._imported_own(captured):
                self._imported.add((id(function.__globals__), name))
                raise _ImportInstead from None
            raise
        key = (function.__qualname__, name)
        if (
            not isinstance(value, _CODE)
            and not values.is_component(value)
            and not self._is_generated(function.__code__)
        ):
            self.packing.captures.setdefault(key, Capture(*key, values.type_name(value), self._position() - before))

    def _origin(self, captured: _Captured) -> tuple[str, str] | None:
        """Where a step imports the value from, when it is to be imported and not copied."""
        function, name, value = captured.function, captured.name, captured.value
        home = self._home(function)
        if isinstance(home, _Namespace) or constant_key(value) is not None or isinstance(value, types.ModuleType):
            return None
        if function.__globals__.get(name, home) is not value or self.packing.by_reference(value):
            return None
        if (id(function.__globals__), name) in self._imported:
            return self._imported_own(captured)
        return self.packing.imported_from(home, name, value, own=False)

    def _imported_own(self, captured: _Captured) -> tuple[str, str] | None:
        home = self._home(captured.function)
        if isinstance(home, _Namespace) or captured.function.__globals__.get(captured.name, home) is not captured.value:
            return None
        return self.packing.imported_from(home, captured.name, captured.value, own=True)

    def _is_generated(self, code: types.CodeType) -> bool:
        """Whether a library made a function's code, such as the methods of a data class."""
        return self.packing.sources.is_library(code) or (code.co_filename.startswith("<") and "__" in code.co_name)

    def _position(self) -> int:
        frame = self.framer.current_frame
        return self._file.tell() + (frame.tell() if frame else 0)

    # ── modules ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _module(self, module: types.ModuleType) -> Any:
        if self.packing.is_by_value(module.__name__):
            return rebuild.packed_module, (self.packing.packed_name(module.__name__),)
        self.packing.modules.add(module.__name__)
        return rebuild.imported_module, (module.__name__,)

    # ── helpers ─────────────────────────────────────────────────────────────────────────────────────────────────

    def in_order(self, members: Any) -> list[Any]:
        """The members of a set in an order that does not depend on hashes."""
        listed = list(members)
        kinds = {type(member) for member in listed}
        if len(kinds) == 1 and kinds <= {str, bytes, int}:
            return sorted(listed)

        def own_bytes(member: Any) -> bytes:
            buffer = io.BytesIO()
            pickler = StablePickler(buffer, self.packing, self._imported)
            pickler._trail = list(self._trail)
            pickler.dump(member)
            return buffer.getvalue()

        return sorted(listed, key=own_bytes)

    def _dict(self, obj: dict[Any, Any]) -> Any:
        for name, value in obj.items():
            if isinstance(name, str) and isinstance(value, str) and secrets.secret_name(name, value):
                raise SecretError(f"{self._where()} holds {name!r}, which looks like a credential", secrets.REMEDY)
        return NotImplemented

    def _name(self, obj: Any) -> str:
        if type(obj) is _Captured:
            return f"{obj.name!r}, captured by {obj.function.__qualname__},"
        name: str = obj.__qualname__
        return name

    def _where(self) -> str:
        return self._trail[-1] if self._trail else "the function"

    def refusal(self, obj: Any, why: str) -> CaptureError:
        """The error that says who cannot be packed, because of what."""
        return CaptureError(
            f"{self._where()} cannot be packed: it needs a {values.type_name(obj)}, and {why}",
            "make it inside the function, or pass it in as an input of the step",
        )


def _namespace(pickler: StablePickler, obj: _Namespace) -> Any:
    return rebuild.namespace, ()


_REDUCERS: dict[type, Callable[[StablePickler, Any], Any]] = {
    types.FunctionType: StablePickler._function,
    types.CellType: StablePickler._cell,
    types.ModuleType: StablePickler._module,
    types.CodeType: lambda pickler, code: (rebuild.code, code_fields(code)),
    dict: StablePickler._dict,
    _Namespace: _namespace,
}
