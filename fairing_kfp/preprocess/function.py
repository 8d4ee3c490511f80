"""A function → a bundle: its pickle, its own modules as files, and its source texts."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.bundle import Bundle, found_in
from fairing_kfp.preprocess.modules.own import canonical_name, is_by_value
from fairing_kfp.preprocess.secrets.gate import marked_lines
from fairing_kfp.preprocess.step_file import step_files

if TYPE_CHECKING:
    from fairing_kfp.preprocess.pickle.context import Packing
    from fairing_kfp.runtime.value_types import ValueType

_LARGE_CAPTURE = 1_000_000  # bytes


@dataclass(frozen=True)
class FunctionSource:
    """A function to pack.

    Attributes:
        function: the function, or a `functools.partial` of one.
        annotations: its resolved type hints, which KFP's executor reads.
        modules: own modules to pack in full, in addition to imported ones.
        embedded: the file or folder of `dsl.EmbeddedInput`; None without it.
        types: types of inputs that KFP does not read itself.
        returned: type of what it returns, see `fairing_kfp.runtime.typed_function`.
    """

    is_file: ClassVar[bool] = False
    needs_gate: ClassVar[bool] = False

    function: Callable[..., Any]
    annotations: Mapping[str, Any]
    modules: tuple[str, ...] = ()
    embedded: Path | None = None
    types: Mapping[str, ValueType] = field(default_factory=dict)
    returned: ValueType | Mapping[str, ValueType | None] | None = None

    @property
    def folder(self) -> Path:
        """The folder of the function's file."""
        return folder_of(underlying(self.function))

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs the function. Equal code gives equal bytes.

        Args:
            name: the step's name.
            allow: names, files and fingerprints of what only looks like a credential.

        Raises:
            CaptureError: a captured value cannot be pickled, or not deterministically.
            SecretError: a captured value or a file seems to contain a credential.
            ModuleNotPackedError: an own module cannot be found or packed.
        """
        embedded = self.embedded.name if self.embedded and self.embedded.is_file() else None
        home = underlying(self.function).__module__ or "__main__"
        files = _embedded(self.embedded)
        function: Any = self.function
        if self.types or self.returned:
            from fairing_kfp.runtime.typed_function import TypedFunction

            function = TypedFunction(name, function, dict(self.types), self.returned)
        return pack(name, function, self.annotations, home, self.modules, files=files, embedded=embedded, allow=allow)


def pack(
    name: str,
    function: Any,
    annotations: Mapping[str, Any],
    home: str,
    modules: tuple[str, ...],
    *,
    files: Mapping[str, bytes] | None = None,
    embedded: str | None = None,
    serve: Mapping[str, str] | None = None,
    allow: Sequence[str] = (),
) -> Bundle:
    """Packs a function, or a predictor's class or function.

    Args:
        name: the component's name.
        function: the function or class.
        annotations: its resolved type hints.
        home: the name of the module that defines it.
        modules: own modules to pack in full.
        files: further files of the code layer, by their places in the step's code folder.
        embedded: the name of an embedded file, see `dsl.EmbeddedInput`.
        serve: the inputs of a predictor's methods, by method; None for a step.
        allow: names, files and fingerprints of what only looks like a credential.

    Raises:
        PackError: it cannot be packed.
        SecretError: it seems to contain a credential.
    """
    from fairing_kfp.preprocess.pickle.context import Packing  # cloudpickle: loaded by packing, not by declaring
    from fairing_kfp.preprocess.self_test import untried_version

    packing = Packing()
    if untried := untried_version():
        packing.warnings[untried] = None
    packing.modules.add_whole(modules, folder_of(function if isinstance(function, type) else underlying(function)))
    _add_defining_module(home, packing)
    packed = step_files(name, function, annotations, packing, files=files, embedded=embedded, serve=serve)
    captures = tuple(packing.captures[key] for key in sorted(packing.captures))
    return Bundle(
        name,
        packed,
        captures,
        (
            *(f"{name}: {warning}" for warning in packing.warnings),
            *(
                f"{name}: {c.owner} captures {c.name!r} ({c.type}, {c.size / 1e6:.1f} MB), which is uploaded with "
                f"every change of the code; pass it as an input artifact instead"
                for c in captures
                if c.size > _LARGE_CAPTURE
            ),
        ),
        imports=tuple(sorted(packing.modules.foreign)),
        serves=serve is not None,
        found=found_in(name, packing.texts),
        allow=tuple(allow),
        marked=marked_lines(packing.sources.files),
    )


def underlying(function: Any) -> types.FunctionType:
    """The plain function inside a `functools.partial` or `TypedFunction`."""
    while not isinstance(function, types.FunctionType):
        if isinstance(function, partial):
            function = function.func
            continue
        from fairing_kfp.runtime.typed_function import TypedFunction  # imports the types that KFP does not know

        if not isinstance(function, TypedFunction):
            raise ComponentError(f"{function!r} is not a Python function", "wrap the call in a function")
        function = function.function
    return function


def folder_of(plain: Any) -> Path:
    """The folder of the file that defines a function or class; the current folder if it has none, as in a notebook."""
    try:
        file = Path(inspect.getfile(plain))
    except (TypeError, OSError):  # a class from a notebook or a REPL
        return Path.cwd()
    return file.parent if file.is_file() else Path.cwd()


def _add_defining_module(name: str, packing: Packing) -> None:
    """Adds the own modules of a file, so that the step can load objects pickled in other steps."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file and file.endswith(".py") and Path(file).is_file():
        if is_by_value(name):
            packing.modules.add_imports_of(Path(file), canonical_name(name, file))
    elif is_by_value(name):  # a notebook or a REPL: the modules in its namespace
        for value in list(vars(module).values()) if module else []:
            home = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
            if isinstance(home, str) and not is_by_value(home):
                packing.modules.add_own(home)


def _embedded(path: Path | None) -> dict[str, bytes]:
    if path is None:
        return {}
    if path.is_file():
        return {f"embedded/{path.name}": path.read_bytes()}
    if path.is_dir():
        inside = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
        return {f"embedded/{p.relative_to(path).as_posix()}": p.read_bytes() for p in inside}
    raise ComponentError(f"the embedded artifact {path} does not exist", "give the path of a file or folder")
