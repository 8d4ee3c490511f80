"""A function → a bundle: its pickle, its own modules as files, and its source texts."""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.modules import canonical_name, is_by_value
from fairing_kfp.preprocess.places import CODE

if TYPE_CHECKING:
    from fairing_kfp.preprocess.packing import Packing

_LARGE_CAPTURE = 1_000_000  # bytes


@dataclass(frozen=True)
class FunctionSource:
    """A function to pack.

    Attributes:
        function: the function, or a `functools.partial` of one.
        annotations: its resolved type hints, which KFP's executor reads.
        modules: own modules to ship whole, beside those found.
        embedded: a file or folder that `dsl.EmbeddedInput` names, or None.
    """

    function: Callable[..., Any]
    annotations: Mapping[str, Any]
    modules: tuple[str, ...] = ()
    embedded: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the function's file; the current one for a notebook's cells, which are in no file."""
        file = Path(inspect.getfile(underlying(self.function)))
        return file.parent if file.is_file() else Path.cwd()

    def bundle(self, name: str) -> Bundle:
        """Packs the function. The same function gives the same bytes, anywhere and at any time.

        Raises:
            CaptureError: it captures what cannot be pickled, or not stably.
            SecretError: something in it looks like a credential.
            ModuleNotPackedError: an own module cannot be found or shipped.
        """
        embedded = self.embedded.name if self.embedded and self.embedded.is_file() else None
        home = underlying(self.function).__module__ or "__main__"
        more = _embedded(self.embedded)
        return pack(name, self.function, self.annotations, home, self.modules, {"embedded": embedded}, more)


def pack(
    name: str,
    function: Any,
    annotations: Mapping[str, Any],
    home: str,
    modules: tuple[str, ...],
    description: Mapping[str, Any],
    more: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Packs what a step or a server runs.

    Args:
        name: the component's name.
        function: a function, or a predictor's class.
        annotations: its resolved type hints.
        home: the name of the module that defines it.
        modules: own modules to ship whole.
        description: what the container's side is to know besides.
        more: further files of the code layer.

    Raises:
        PackError: it cannot be packed.
    """
    from fairing_kfp.preprocess.packing import Packing  # cloudpickle: when it is packed, not when it is decorated
    from fairing_kfp.preprocess.pickling import dumps

    packing = Packing()
    packing.modules.add_whole(modules)
    _add_defining_module(home, packing)
    pickled = dumps({"function": function, "annotations": dict(annotations)}, packing)
    own = {place: path.read_bytes() for place, path in packing.modules.files.items()}
    _check_secrets(own)
    files = {
        "function.pickle": pickled,
        **{f"modules/{place}": data for place, data in own.items()},
        **{place: text.encode() for place, text in packing.sources.texts.items()},
        **(more or {}),
    }
    known = {"name": name, "python": list(sys.version_info[:2]), "packed_modules": sorted(packing.packed)}
    files["step.json"] = json.dumps({**known, **description}, sort_keys=True).encode()
    captures = tuple(packing.captures[key] for key in sorted(packing.captures))
    return Bundle(
        name,
        tuple(File(f"{CODE}/{place}", files[place]) for place in sorted(files)),
        captures,
        (
            *(f"{name}: {warning}" for warning in packing.warnings),
            *(
                f"{name}: {c.owner} captures {c.name!r} ({c.type}, {c.size / 1e6:.1f} MB), which is sent with "
                f"every change of the code; pass it as an input artifact instead"
                for c in captures
                if c.size > _LARGE_CAPTURE
            ),
        ),
        imports=tuple(sorted(packing.modules.foreign)),
    )


def underlying(function: Any) -> types.FunctionType:
    """The plain function inside a `functools.partial`."""
    while isinstance(function, partial):
        function = function.func
    if not isinstance(function, types.FunctionType):
        raise ComponentError(f"{function!r} is not a Python function", "wrap the call in a function of your own")
    return function


def _add_defining_module(name: str, packing: Packing) -> None:
    """Ships the own modules of a file, so that what another step pickled of them loads in this one."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file and file.endswith(".py") and Path(file).is_file():
        if is_by_value(name):
            packing.modules.add_imports_of(Path(file), canonical_name(name, file))
    elif is_by_value(name):  # a notebook or a REPL: what its namespace holds
        for value in list(vars(module).values()) if module else []:
            home = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
            if isinstance(home, str) and not is_by_value(home):
                packing.modules.add(home)


def _check_secrets(own: Mapping[str, bytes]) -> None:
    for place, data in own.items():
        found = secrets.secret_in_source(data.decode(errors="replace")) if place.endswith(".py") else None
        if found:
            raise SecretError(f"the own module {place} holds {found}", secrets.REMEDY)


def _embedded(path: Path | None) -> dict[str, bytes]:
    if path is None:
        return {}
    if path.is_file():
        return {f"embedded/{path.name}": path.read_bytes()}
    if path.is_dir():
        inside = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
        return {f"embedded/{p.relative_to(path).as_posix()}": p.read_bytes() for p in inside}
    raise ComponentError(f"the embedded artifact {path} does not exist", "name a file or a folder that is there")
