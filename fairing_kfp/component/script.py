"""A script or module → a KFP component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.component.caller import Caller
from fairing_kfp.component.interface import Component, Interface, make_component
from fairing_kfp.component.options import ImageOptions, valid_name
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess import script as scripts
from fairing_kfp.preprocess.arguments.inputs import inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.source import new_key


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
    options: ImageOptions,
) -> Component[..., Any]:
    """Makes a KFP component from a script or module; for the arguments see `FairingComponent.from_script`.

    Raises:
        ComponentError: the script does not exist, or an argument can neither be read from it nor is declared.
    """
    if (script is None) == (module is None):
        raise ComponentError(
            "from_script takes either a script or a module",
            'write from_script("train.py"), or from_script(module="package.train") for python -m package.train',
        )
    origin = script or module or ""
    found = (
        scripts.find_script(script, caller.folder, root)
        if script is not None
        else scripts.find_module(origin, caller.folder, root)
    )
    data = found.read()
    inputs = inputs_of(read_arguments(data, str(found.file), command), arguments, str(found.file))
    code = scripts.ScriptSource(caller.folder, found.root, found.path, data, inputs, found.module, include, exclude)
    name = valid_name(name or (found.file.stem if script else origin), origin)
    doc = scripts.description_of(data, inputs) or None
    interface = Interface(origin, inputs.parameters, scripts.call_of(code, name), doc=doc, types=inputs.types)
    return make_component(code, name, new_key(caller.module, origin), interface, options)
