"""What `fairing_component.from_notebook(…, mode="script")` makes of a notebook: its code, and what KFP is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.from_script import Caller
from fairing_kfp.interface import Interface, kfp_component
from fairing_kfp.options import check_list, source_of, valid_name
from fairing_kfp.preprocess.arguments.inputs import Inputs, inputs_of, kind_of_declared
from fairing_kfp.preprocess.arguments.reading import Argument, Reading
from fairing_kfp.preprocess.notebook import read_notebook
from fairing_kfp.preprocess.notebook_parameters import Parameter
from fairing_kfp.preprocess.notebook_script import notebook_script
from fairing_kfp.preprocess.script import ScriptSource, call_of, description_of
from fairing_kfp.runtime.command_line import TRUTH, VALUE, Spelling
from fairing_kfp.source import new_key, register


@dataclass(frozen=True)
class AsCode:
    """How a notebook becomes a script.

    Attributes:
        tags: the cells to take, see `Notebook.chosen`.
        writefile: whether files that cells write by `%%writefile` travel.
        class_name: a class of the notebook that is run in the end.
        method: its method.
    """

    tags: tuple[str, ...] = ()
    writefile: bool = False
    class_name: str | None = None
    method: str | None = None


def notebook_as_code(
    caller: Caller,
    path: str,
    arguments: Mapping[str, Any],
    how: AsCode,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    name: str | None,
    options: Any,
) -> Any:
    """Makes the component; the arguments are those of `FairingComponent.from_notebook`.

    Raises:
        PackError: the notebook cannot be read, or a cell is no valid Python, or needs what was left out.
        ComponentError: an argument has no usable name or type.
        SecretError: a value of `env` looks like a credential.
    """
    named = valid_name(name or Path(path).stem, path)
    code, interface, packages = script_of_notebook(caller.folder, path, arguments, how, include, exclude)
    if packages:
        check_list(named, "packages", options.get("packages", ()))
        options["packages"] = [*packages, *options.get("packages", ())]
    source = source_of(code, named, new_key(caller.module, path), options)
    component = kfp_component(source, interface)
    register(source)
    return component


def script_of_notebook(
    folder: Path,
    path: str,
    arguments: Mapping[str, Any],
    how: AsCode,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> tuple[ScriptSource, Interface, tuple[str, ...]]:
    """The code of a notebook's component, what KFP is told of it, and the requirements that it adds.

    Args:
        folder: where the relative paths of the component begin.
        path: the notebook; its folder is the root of its files.
        arguments: by the names of variables what the notebook does not say: a type, a default, or an annotation of
            KFP's, of which the variable is the path.
        how: the cells that are taken, and what is run in the end.
        include: files of the notebook's folder that it needs.
        exclude: those of them that it does not.

    Raises:
        PackError: the notebook cannot be read, or a cell is no valid Python, or needs what was left out.
        ComponentError: an argument has no usable name or type.
    """
    file = (folder / path).absolute()
    for name in arguments:
        if not name.isidentifier():
            raise ComponentError(f"arguments={{{name!r}: …}} of {path} is no variable's name", "name a variable")
    if how.method and not how.class_name:
        raise ComponentError(f"method={how.method!r} of {path} is of no class", 'name it: class_name="…"')
    made = notebook_script(
        read_notebook(file),
        tags=how.tags,
        writefile=how.writefile,
        class_name=how.class_name,
        method=how.method,
        arguments={name: kind_of_declared(value) for name, value in arguments.items()},
    )
    shown = f"the notebook {path}"
    data = made.text.encode()
    inputs = _inputs(made.parameters, arguments, shown, made.warnings)
    code = ScriptSource(
        folder, file.parent.resolve(), made.name, data, inputs, include=include, exclude=exclude, made=made.files
    )
    interface = Interface(shown, inputs.parameters, call_of(code, file.stem), doc=description_of(data, inputs))
    return code, interface, made.packages


def _inputs(
    parameters: Sequence[Parameter], declared: Mapping[str, Any], shown: str, warnings: tuple[str, ...]
) -> Inputs:
    inputs = inputs_of(Reading(tuple(map(_argument, parameters))), declared, shown)
    return replace(inputs, warnings=(*inputs.warnings, *warnings))


def _argument(parameter: Parameter) -> Argument:
    """A parameter as the script takes it: `--name=value`, what is no text as JSON."""
    known = parameter.default is not None
    form = TRUTH if parameter.type is bool else VALUE
    spelling = Spelling(f"--{parameter.name}", form, known=known, default=parameter.default)
    return Argument(parameter.name, parameter.type, spelling, parameter.required, parameter.default, parameter.help)
