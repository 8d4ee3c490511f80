"""A function → a bundle: its pickle, its own modules as files, and its source texts."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.modules import canonical_name, is_by_value
from fairing_kfp.preprocess.packing import Packing
from fairing_kfp.preprocess.pickling import dumps
from fairing_kfp.preprocess.places import CODE

_LARGE_CAPTURE = 1_000_000  # bytes


@dataclass(frozen=True)
class FunctionSource:
    """A function to pack.

    Attributes:
        name: the step's name.
        function: the function, or a `functools.partial` of one.
        annotations: its resolved type hints, which KFP's executor reads.
        modules: own modules to ship whole, beside those found.
        embedded: a file or folder that `dsl.EmbeddedInput` names, or None.
    """

    name: str
    function: Callable[..., Any]
    annotations: Mapping[str, Any]
    modules: tuple[str, ...] = ()
    embedded: Path | None = None


def bundle(source: FunctionSource) -> Bundle:
    """Packs a function. The same function gives the same bytes, anywhere and at any time.

    Raises:
        CaptureError: it captures what cannot be pickled, or not stably.
        SecretError: something in it looks like a credential.
        ModuleNotPackedError: an own module cannot be found or shipped.
    """
    packing = Packing()
    packing.modules.add_whole(source.modules)
    _add_defining_module(source.function, packing)
    pickled = dumps({"function": source.function, "annotations": dict(source.annotations)}, packing)
    own = {place: path.read_bytes() for place, path in packing.modules.files.items()}
    _check_secrets(own)
    files = {
        "function.pickle": pickled,
        **{f"modules/{place}": data for place, data in own.items()},
        **{name: text.encode() for name, text in packing.sources.texts.items()},
        **_embedded(source.embedded),
    }
    files["step.json"] = json.dumps(
        {
            "name": source.name,
            "python": list(sys.version_info[:2]),
            "packed_modules": sorted(packing.packed),
            "embedded": source.embedded.name if source.embedded and source.embedded.is_file() else None,
        },
        sort_keys=True,
    ).encode()
    captures = tuple(packing.captures[key] for key in sorted(packing.captures))
    return Bundle(
        source.name,
        tuple(File(f"{CODE}/{place}", files[place]) for place in sorted(files)),
        captures,
        (
            *(f"{source.name}: {warning}" for warning in packing.warnings),
            *(
                f"{source.name}: {c.owner} captures {c.name!r} ({c.type}, {c.size / 1e6:.1f} MB), which is sent with "
                f"every change of the code; pass it as an input artifact instead"
                for c in captures
                if c.size > _LARGE_CAPTURE
            ),
        ),
    )


def underlying(function: Any) -> types.FunctionType:
    """The plain function inside a `functools.partial`."""
    while isinstance(function, partial):
        function = function.func
    if not isinstance(function, types.FunctionType):
        raise ComponentError(f"{function!r} is not a Python function", "wrap the call in a function of your own")
    return function


def _add_defining_module(function: Callable[..., Any], packing: Packing) -> None:
    """Ships the own modules of the function's file, so that what another step pickled of them loads in this one."""
    name = underlying(function).__module__ or "__main__"
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
