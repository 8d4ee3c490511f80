"""A pickler whose bytes depend on the code alone.

cloudpickle knows how to take functions and classes apart; what it leaves to chance is settled here. The same function
gives the same bytes in every process, whatever its hash seed, user, folder, machine or time, because

- sets are written in the order of their members' own bytes;
- classes, type variables and enums carry no random identity (cloudpickle's tracker);
- equal constants are written alike, whether or not they are one object;
- code is written by `portable_code`, without paths and absolute line numbers;
- globals and modules go under their canonical names: a script run as `__main__` is the module it is imported as.

What has no stable form (an open file, a random generator) is refused.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import pickle
import sys
import types
import typing
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import cloudpickle.cloudpickle as cp

from fairing_kfp.errors import CaptureError, FairingError, SecretError
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.constants import constant_key
from fairing_kfp.preprocess.modules import OwnModules, canonical_name, is_by_value
from fairing_kfp.preprocess.portable_code import (
    Sources,
    attribute_chains,
    code_fields,
    global_names,
    imported_names,
    is_library_code,
    portable_code,
)
from fairing_kfp.runtime import rebuild

_PythonPickler: Any = pickle._Pickler
"""The pickler in Python: C's cannot be told to write equal strings alike."""

PROTOCOL = 5  # Python 3.8 and later; fixed, as the newest one would follow the author's Python

_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, functools._lru_cache_wrapper)
_CHANGING_ATTRIBUTES = ("__slotnames__", "__firstlineno__", "__weakref__")
"""Class attributes that come and go without a change of the class: copyreg's cache, line numbers, slots."""


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
    """What was found while pickling."""

    sources: Sources = field(default_factory=Sources)
    modules: OwnModules = field(default_factory=OwnModules)
    captures: dict[tuple[str, str], Capture] = field(default_factory=dict)
    packed: set[str] = field(default_factory=set)
    """The canonical names of the modules that were taken apart, which the runtime registers."""


def dumps(value: Any, packing: Packing) -> bytes:
    """The stable pickle of a value.

    Raises:
        CaptureError: something in it cannot be pickled, or not stably; it is named.
        SecretError: something in it looks like a credential.
    """
    buffer = io.BytesIO()
    StablePickler(buffer, packing).dump(value)
    return buffer.getvalue()


class StablePickler(_PythonPickler):  # type: ignore[misc]
    """Pickles by value what no step can import, and everything else by reference."""

    dispatch_table: ClassVar[Any] = cp.Pickler.dispatch_table

    def __init__(self, file: typing.IO[bytes], packing: Packing, trail: tuple[str, ...] = ()) -> None:
        super().__init__(file, PROTOCOL)
        self._packing = packing
        self._trail = list(trail)
        self._interned: dict[Any, Any] = {}
        self._codes: dict[int, tuple[types.CodeType, types.CodeType]] = {}
        self._namespaces: dict[int, types.ModuleType] = {}

    # ── every object ────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Saves one object; `pickle` calls this for each."""
        component = getattr(type(obj), "__module__", "").startswith("kfp.dsl") and getattr(obj, "python_func", None)
        if component:
            obj = component  # a global that names a decorated function means the function, once it runs in a step
        with self._owning(obj):
            try:
                super().save(self._canonical(obj), save_persistent_id)
            except FairingError:
                raise
            except RecursionError as error:
                raise self._refusal(obj, "it is nested too deeply") from error
            except Exception as error:  # pickling runs the user's own __reduce__, which may raise anything
                raise self._refusal(obj, str(error)) from error

    def _canonical(self, obj: Any) -> Any:
        kind = type(obj)
        if kind not in (str, bytes, tuple, frozenset, complex):
            return obj
        key = constant_key(obj)
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
        if isinstance(obj, types.FunctionType):
            return self._function(obj)
        if isinstance(obj, type):
            return self._class(obj)
        if kind in (set, frozenset):
            return kind, (self._in_order(obj),)
        if isinstance(obj, (set, frozenset)):
            made, arguments, *rest = typing.cast("tuple[Any, ...]", obj.__reduce_ex__(PROTOCOL))
            return made, tuple(self._in_order(a) if isinstance(a, (list, set)) else a for a in arguments), *rest
        if kind is weakref.WeakSet:
            return kind, (self._in_order(obj),)
        if kind is types.CodeType:
            return rebuild.code, code_fields(obj)
        if kind is types.CellType:
            return self._cell(obj)
        if kind is types.ModuleType or isinstance(obj, types.ModuleType):
            return self._module(obj)
        if kind is functools.cached_property:
            return rebuild.cached_property, (obj.func, obj.attrname)
        if kind is functools._lru_cache_wrapper:
            parameters = obj.cache_parameters()
            return rebuild.lru_cache, (obj.__wrapped__, parameters["maxsize"], parameters["typed"])
        if kind is typing.TypeVar:
            return self._type_variable(obj)
        if kind is typing.NewType:
            return typing.NewType, (obj.__name__, obj.__supertype__)
        if obj is sys.stdout or obj is sys.stderr:
            return getattr, (sys, obj.name.strip("<>"))
        if kind is dict:
            self._check_names(obj)
        why = unstable(obj)
        if why:
            raise self._refusal(obj, why)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Saves a name of a module; refused when no step could import the module."""
        module = pickle.whichmodule(obj, name or obj.__qualname__)  # type: ignore[attr-defined]
        if is_by_value(module):
            raise self._refusal(obj, f"it can only be named, not copied, and {module} is not a module of the step's")
        super().save_global(obj, name)

    # ── functions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _function(self, function: types.FunctionType) -> Any:
        if self._by_reference(function):
            return NotImplemented
        home = self._home(function)
        state = {
            "__name__": function.__name__,
            "__qualname__": function.__qualname__,
            "__module__": self._module_name(function),
            "__doc__": function.__doc__,
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": inspect.get_annotations(function),
            "__dict__": function.__dict__,
            "__globals__": self._globals(function, home),
        }
        arguments = self._code(function, home), home, function.__closure__
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # an empty cell
                self._capture(function, name, cell.cell_contents)
        return rebuild.function, arguments, state, None, None, rebuild.set_function

    def _home(self, function: types.FunctionType) -> types.ModuleType:
        """The module whose globals a function has; not always that of `__module__`, which `functools.wraps` copies."""
        module = sys.modules.get(function.__globals__.get("__name__", ""))
        if module is not None and module.__dict__ is function.__globals__:
            return module
        made = types.ModuleType(f"namespace_{len(self._namespaces)}")  # of exec
        return self._namespaces.setdefault(id(function.__globals__), made)

    def _code(self, function: types.FunctionType, home: types.ModuleType) -> types.CodeType:
        code = function.__code__
        if id(code) not in self._codes:
            name = self._packed_name(home.__name__) if is_by_value(home.__name__) else home.__name__
            filename = f"<{name}.{function.__qualname__}>"
            if is_by_value(home.__name__):
                filename = self._packing.sources.add(function, name) or filename
            self._codes[id(code)] = code, portable_code(code, filename, code.co_firstlineno)
        return self._codes[id(code)][1]

    def _globals(self, function: types.FunctionType, home: types.ModuleType) -> dict[str, Any]:
        """The globals that the function uses; none when its module can be imported, which then brings them."""
        package = function.__globals__.get("__package__") or ""
        for name in imported_names(function.__code__, package):
            self._packing.modules.add(name)
        self._submodules(function)
        if not is_by_value(home.__name__):
            self._packing.modules.add(home.__name__)
            return {}
        used = {
            name: function.__globals__[name]
            for name in global_names(function.__code__)
            if name in function.__globals__ and not name.startswith("__")
        }
        for name, value in used.items():
            self._capture(function, name, value)
        return used

    def _submodules(self, function: types.FunctionType) -> None:
        """Own submodules that the function reaches through a package (`package.module.name`) travel as well."""
        free = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for root, chain in attribute_chains(function.__code__):
            value = function.__globals__.get(root)
            if root in free:
                with contextlib.suppress(ValueError):
                    value = free[root].cell_contents
            if isinstance(value, types.ModuleType):
                name = value.__name__
                for part in chain:
                    name = f"{name}.{part}"
                    if name not in sys.modules:
                        break
                    self._packing.modules.add(name)

    def _capture(self, function: types.FunctionType, name: str, value: Any) -> None:
        """Weighs a captured value on its own, so that what is wrong with it is said under its name."""
        key = (function.__qualname__, name)
        if isinstance(value, _CODE) or hasattr(value, "python_func") or key in self._packing.captures:
            return
        place = f"{name!r}, captured by {function.__qualname__},"
        if isinstance(value, (str, bytes)):
            text = value if isinstance(value, str) else value.decode("latin-1")
            if secrets.secret_name(name, text):
                raise SecretError(f"{place} looks like a credential", secrets.REMEDY)
        buffer = io.BytesIO()
        StablePickler(buffer, self._packing, (place,)).dump(value)
        if not is_library_code(function.__code__):  # such as what dataclasses and namedtuple generate
            self._packing.captures[key] = Capture(*key, _type_name(value), buffer.tell())

    def _cell(self, cell: types.CellType) -> Any:
        try:
            content = (cell.cell_contents,)
        except ValueError:
            return rebuild.cell, ()
        return rebuild.cell, (), content, None, None, rebuild.set_cell

    # ── classes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _class(self, cls: type) -> Any:
        if cls.__module__ == "builtins" or self._by_reference(cls):
            return cp._class_reduce(cls) if cls.__module__ == "builtins" else NotImplemented
        make, arguments, state, *_ = cp._dynamic_class_reduce(cls)
        attributes = dict(state[0])
        for name in _CHANGING_ATTRIBUTES:
            attributes.pop(name, None)
        if not attributes.get("__annotations__", True):  # made by looking at it
            del attributes["__annotations__"]
        if "__static_attributes__" in attributes:  # Python 3.13: a tuple in the order of a set
            attributes["__static_attributes__"] = tuple(sorted(attributes["__static_attributes__"]))
        if "_abc_impl" in attributes:
            attributes["_abc_impl"] = self._in_order([sub for sub in attributes["_abc_impl"] if sub is not None])
        module = self._module_name(cls)
        attributes["__module__"] = module
        attributes["__qualname__"] = cls.__qualname__
        attributes["__packed_in__"] = sys.modules.get(cls.__module__) if is_by_value(cls.__module__) else None
        named = [module if argument == cls.__module__ else argument for argument in arguments[:-2]]
        named = [{**a, "__module__": module} if isinstance(a, dict) and "__module__" in a else a for a in named]
        return make, (*named, None, None), attributes, None, None, rebuild.set_class

    def _type_variable(self, variable: typing.TypeVar) -> Any:
        module = getattr(variable, "__module__", None)
        if module and not is_by_value(module) and getattr(sys.modules.get(module), variable.__name__, 0) is variable:
            self._packing.modules.add(module)
            return getattr, (sys.modules[module], variable.__name__)
        return cp._make_typevar, (*cp._decompose_typevar(variable)[:-1], None)

    # ── modules ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _module(self, module: types.ModuleType) -> Any:
        if is_by_value(module.__name__):
            return rebuild.packed_module, (self._packed_name(module.__name__),)
        self._packing.modules.add(module.__name__)
        return rebuild.imported_module, (module.__name__,)

    def _packed_name(self, name: str) -> str:
        canonical = canonical_name(name, getattr(sys.modules.get(name), "__file__", None))
        self._packing.packed.add(canonical)
        return canonical

    def _module_name(self, obj: Any) -> str:
        name = obj.__module__ or "__main__"
        return self._packed_name(name) if is_by_value(name) else name

    def _by_reference(self, obj: Any) -> bool:
        """Whether a step finds a function or class by its name; its own module then travels."""
        name = getattr(obj, "__module__", None)
        if name is None or is_by_value(name):
            return False
        found: Any = sys.modules.get(name)
        for part in obj.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is not obj:
            return False
        self._packing.modules.add(name)
        return True

    # ── helpers ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _in_order(self, members: Any) -> list[Any]:
        def own_bytes(member: Any) -> bytes:
            buffer = io.BytesIO()
            StablePickler(buffer, self._packing, tuple(self._trail)).dump(member)
            return buffer.getvalue()

        return sorted(members, key=own_bytes)

    def _check_names(self, values: dict[Any, Any]) -> None:
        for name, value in values.items():
            if isinstance(name, str) and isinstance(value, str) and secrets.secret_name(name, value):
                raise SecretError(f"{self._where()} holds {name!r}, which looks like a credential", secrets.REMEDY)

    @contextlib.contextmanager
    def _owning(self, obj: Any) -> Iterator[None]:
        named = isinstance(obj, (types.FunctionType, type))
        if named:
            self._trail.append(obj.__qualname__)
        yield
        if named:
            self._trail.pop()

    def _where(self) -> str:
        return self._trail[-1] if self._trail else "the function"

    def _refusal(self, obj: Any, why: str) -> CaptureError:
        return CaptureError(
            f"{self._where()} cannot be packed: it needs a {_type_name(obj)}, and {why}",
            "make it inside the function, or pass it in as an input of the step",
        )


def unstable(obj: Any) -> str:
    """Why a value would not give the same bytes next time; empty when nothing is known against it."""
    if isinstance(obj, io.IOBase):
        return "an open file exists in this process alone"
    name = _type_name(obj)
    is_generator = name.startswith("numpy.random.") or (name.startswith("torch.") and name.endswith(".Generator"))
    if name.startswith("random.") or is_generator:
        return "a random generator's state is different each time"
    return ""


def _type_name(obj: Any) -> str:
    kind = type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
