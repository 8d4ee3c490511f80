"""A deterministic pickler, based on cloudpickle's.

A function has the same pickle in every process, regardless of hash seed, user, folder, machine and time:

- sets are sorted by the pickles of their members, and in texts that Python generates by their representations;
- classes, type variables and enums have no random identity (cloudpickle's class tracker);
- equal constants are written alike, whether or not they are one object;
- code is rewritten by `portable_code`, without paths and absolute line numbers;
- modules have their canonical names: a script that runs as `__main__` is the module that others import.

Objects without a reproducible pickle (open files, random generators) are refused, unless a step can import them.
"""

from __future__ import annotations

import contextlib
import copyreg
import io
import pickle
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import cloudpickle.cloudpickle as cp

from fairing_kfp.errors import CaptureError, FairingError
from fairing_kfp.preprocess.pickle import classes, values
from fairing_kfp.preprocess.pickle.code import code_fields
from fairing_kfp.preprocess.pickle.context import Capture, Packing
from fairing_kfp.preprocess.pickle.functions import Captured, Functions, Namespace
from fairing_kfp.runtime import rebuild

_PythonPickler: Any = pickle._Pickler
"""The pickler in Python: the one in C cannot write equal strings alike."""

PROTOCOL = 5  # Python 3.8 and later; pickle.HIGHEST_PROTOCOL depends on the author's Python
_DEEPEST = 10_000  # Python frames; each helper in a chain needs about twenty
_ATOMS = (int, bool, float, type(None))
_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, *values.FUNCTION_LIKE)


class _ImportInstead(Exception):  # noqa: N818 - not an error but a retry
    """A global cannot be copied, but a step can import it: pickle again."""


def dumps(value: Any, packing: Packing) -> bytes:
    """Pickles a value deterministically.

    Raises:
        CaptureError: a captured value cannot be pickled, or not deterministically.
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
    """Pickles by reference what a step can import, and everything else by value."""

    dispatch_table: ClassVar[Any] = cp.Pickler.dispatch_table

    def __init__(self, file: io.BytesIO, packing: Packing, imported: set[tuple[int, str]]) -> None:
        super().__init__(file, PROTOCOL)
        self.packing = packing
        self.functions = Functions(packing)
        self._file = file
        self._imported = imported
        self._trail: list[str] = []
        self._interned: dict[Any, Any] = {}
        self._sizes: dict[int, int] = {}

    # ── every object ────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Saves an object. `pickle` calls it for each."""
        kind = type(obj)
        if kind in _ATOMS:
            self.framer.commit_frame()
            self.dispatch[kind](self, obj)
            return
        named = kind is Captured or kind is types.FunctionType or issubclass(kind, type)
        if named:
            self._trail.append(str(obj) if kind is Captured else obj.__qualname__)
        try:
            if kind is Captured:
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
        """The first of equal constants. Whether they are one object depends on how their file was compiled."""
        if kind in values.CONSTANTS:
            key = values.constant_key(obj)
        elif kind in values.CACHED:
            key = values.cached_key(obj)
        else:
            return obj
        if key is None:
            return obj
        if kind is str and key not in self._interned:
            self._scan("", obj)
        return self._interned.setdefault(key, obj)

    def write_as(self, text: str, stable: str) -> None:
        """Replaces a text that contains an address of this process, or a set in random order."""
        if text != stable:
            self._interned[values.constant_key(text)] = self._canonical(stable, str)

    def reducer_override(self, obj: Any) -> Any:
        """Reduces an object; NotImplemented leaves it to `pickle` and cloudpickle."""
        kind = type(obj)
        if kind is str:
            return NotImplemented
        reduce = _REDUCERS.get(kind) or values.REDUCERS.get(kind)
        if reduce is not None:
            return reduce(self, obj)
        if issubclass(kind, type):  # for `list[int]`, isinstance(obj, type) is true
            return classes.reduce_class(self, obj)
        if isinstance(obj, types.ModuleType):
            return self._module(obj)
        if isinstance(obj, tuple):
            for name, value in zip(getattr(obj, "_fields", ()), obj, strict=False):
                self._scan(str(name), value)
        return values.reduce_value(self, obj)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Saves an object by its name; refused if no step can import its module."""
        module = pickle.whichmodule(obj, name or obj.__qualname__)  # type: ignore[attr-defined]
        if self.packing.is_by_value(module):
            if name is None or (state := values.plain_state(obj)) is None:
                raise self.refusal(obj, f"it can only be imported, not copied, and no step can import {module}")
            # A sentinel that names itself: its module is not imported by a step, so it is copied.
            self.save_reduce(copyreg._reconstructor, (type(obj), object, None), state, obj=obj)  # type: ignore[attr-defined]
            return
        self.packing.modules.add(module)
        try:
            super().save_global(obj, name)
        except pickle.PicklingError as error:
            reason = f"it is pickled by the name {module}.{name or obj.__qualname__}, which is not this object"
            raise self.refusal(obj, reason) from error

    # ── captured values ─────────────────────────────────────────────────────────────────────────────────────────

    def _save_captured(self, captured: Captured) -> None:
        """Saves a captured value and records its size, so that warnings and errors can name it."""
        function, name, value = captured.function, captured.name, captured.value
        if isinstance(value, (str, bytes)):
            self.packing.texts.append((function.__qualname__, name, value))
        key = (id(function.__globals__), name)
        origin = self.functions.origin(captured, own=key in self._imported)
        if origin:
            self.packing.modules.add(origin[0])
            self.save_reduce(getattr, (sys.modules[origin[0]], origin[1]), obj=None)
            return
        before = self._position()
        try:
            self.save(value)
        except CaptureError:
            if key not in self._imported and self.functions.origin(captured, own=True):
                self._imported.add(key)
                raise _ImportInstead from None
            raise
        size = self._sizes.setdefault(id(value), self._position() - before)  # the second time, it is only referred to
        if not (
            isinstance(value, _CODE)
            or values.is_component(value)
            or values.is_predictor(value)
            or self._is_generated(function.__code__)
        ):
            self.packing.captures.setdefault(
                (function.__qualname__, name), Capture(function.__qualname__, name, values.type_name(value), size)
            )

    def _is_generated(self, code: types.CodeType) -> bool:
        """Whether a library generated a function's code, such as the methods of a data class."""
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

    def stable_order(self, members: Iterable[Any]) -> list[Any]:
        """Sorts the members of a set independently of their hashes."""
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
            if isinstance(name, str):
                self._scan(name, value)
        return NotImplemented

    def _scan(self, name: str, value: Any) -> None:
        """Has credentials looked for in a text, or in a value with a name."""
        if isinstance(value, (str, bytes)):
            self.packing.texts.append((self._where(), name, value))

    def _where(self) -> str:
        return self._trail[-1] if self._trail else "the function"

    def refusal(self, obj: Any, reason: str) -> CaptureError:
        """The error for an object that cannot be pickled."""
        return CaptureError(
            f"{self._where()} cannot be packed: it needs a {values.type_name(obj)}, and {reason}",
            "create it inside the function, or pass it as an input of the step",
        )


_REDUCERS: dict[type, Callable[[StablePickler, Any], Any]] = {
    types.FunctionType: lambda pickler, function: pickler.functions.reduce(pickler, function),
    types.CellType: lambda pickler, cell: pickler.functions.reduce_cell(cell),
    types.CodeType: lambda pickler, code: (rebuild.code, code_fields(code)),
    types.ModuleType: StablePickler._module,
    dict: StablePickler._dict,
    Namespace: lambda pickler, space: (rebuild.namespace, ()),
}
