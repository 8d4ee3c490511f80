"""A script or module → a KFP component."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.interface import Interface, kfp_component
from fairing_kfp.options import source_of, valid_name
from fairing_kfp.preprocess import script as scripts
from fairing_kfp.preprocess.arguments.inputs import inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.modules import canonical_name
from fairing_kfp.source import new_key, register


@dataclass(frozen=True)
class Caller:
    """The file that makes a component: its importable name, and the folder where relative paths begin."""

    module: str
    folder: Path


def caller() -> Caller:
    """Who called the method that calls this."""
    names = sys._getframe(2).f_globals
    file = names.get("__file__")
    module = canonical_name(names.get("__name__", "__main__"), file)
    return Caller(module, Path(file).absolute().parent if file else Path.cwd())


def script_component(
    caller: Caller,
    script: str | None,
    module: str | None,
    command: str,
    arguments: Mapping[str, Any],
    root: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    name: str | None,
    options: Any,
) -> Any:
    """Makes the component; the arguments are those of `FairingComponent.from_script`.

    Raises:
        ComponentError: there is no such script, or its arguments can neither be read nor are declared.
        SecretError: a value of `env` looks like a credential.
    """
    if (script is None) == (module is None):
        raise ComponentError(
            "from_script makes a component of one script or one module",
            'write from_script("train.py"), or from_script(module="package.train") for python -m package.train',
        )
    shown = script or module or ""
    found = (
        scripts.find_script(script, caller.folder, root)
        if script is not None
        else scripts.find_module(shown, caller.folder, root)
    )
    data = found.path.read_bytes()
    inputs = inputs_of(read_arguments(data, str(found.path), command), arguments, str(found.path))
    code = scripts.ScriptSource(caller.folder, found.root, found.place, data, inputs, found.module, include, exclude)
    named = valid_name(name or (found.path.stem if script else shown), shown)
    source = source_of(code, named, new_key(caller.module, shown), options)
    description = scripts.description_of(data, inputs)
    call = scripts.call_of(code, named)
    component = kfp_component(source, Interface(shown, inputs.parameters, call, doc=description or None))
    register(source)
    return component
