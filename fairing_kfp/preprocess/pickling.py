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
import io
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import cloudpickle.cloudpickle as cp

from fairing_kfp.errors import CaptureError, FairingError, SecretError
from fairing_kfp.preprocess import classes, secrets, values
from fairing_kfp.preprocess.constants import CONSTANTS, constant_key
from fairing_kfp.preprocess.functions import Captured, Functions, Namespace
from fairing_kfp.preprocess.packing import Capture, Packing
from fairing_kfp.preprocess.portable_code import code_fields
from fairing_kfp.runtime import rebuild

_PythonPickler: Any = pickle._Pickler
"""The pickler in Python: C's cannot be told to write equal strings alike."""

PROTOCOL = 5  # Python 3.8 and later; fixed, as the newest one would follow the author's Python
_DEEPEST = 10_000  # Python frames; a chain of helpers takes about twenty for each
_ATOMS = (int, bool, float, type(None))
_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, *values.FUNCTION_LIKE)


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
        self.functions = Functions(packing)
        self._file = file
        self._imported = imported
        self._trail: list[str] = []
        self._interned: dict[Any, Any] = {}
        self._sizes: dict[int, int] = {}

    # ── every object ────────────────────────────────────────────────────────────────────────────────────────────

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Saves one object; `pickle` calls this for each."""
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

    def write_as(self, text: str, stable: str) -> None:
        """Writes another text for one that holds an address of this process."""
        self._interned[constant_key(text)] = stable

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

    # ── captured values ─────────────────────────────────────────────────────────────────────────────────────────

    def _save_captured(self, captured: Captured) -> None:
        """Saves a value and notes its size, so that what is heavy or wrong is said under its name."""
        function, name, value = captured.function, captured.name, captured.value
        if isinstance(value, (str, bytes)):
            text = value if isinstance(value, str) else value.decode("latin-1")
            if secrets.secret_name(name, text):
                raise SecretError(f"{self._where()} looks like a credential", secrets.REMEDY)
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
        size = self._sizes.setdefault(id(value), self._position() - before)  # the second time it is only named
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

    def _where(self) -> str:
        return self._trail[-1] if self._trail else "the function"

    def refusal(self, obj: Any, why: str) -> CaptureError:
        """The error that says who cannot be packed, because of what."""
        return CaptureError(
            f"{self._where()} cannot be packed: it needs a {values.type_name(obj)}, and {why}",
            "make it inside the function, or pass it in as an input of the step",
        )


_REDUCERS: dict[type, Callable[[StablePickler, Any], Any]] = {
    types.FunctionType: lambda pickler, function: pickler.functions.reduce(pickler, function),
    types.CellType: lambda pickler, cell: pickler.functions.reduce_cell(cell),
    types.CodeType: lambda pickler, code: (rebuild.code, code_fields(code)),
    types.ModuleType: StablePickler._module,
    dict: StablePickler._dict,
    Namespace: lambda pickler, space: (rebuild.namespace, ()),
}
