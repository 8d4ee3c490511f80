"""A notebook that runs as a script → a KFP component: its code and interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.component.caller import Caller
from fairing_kfp.component.interface import Component, Interface, make_component
from fairing_kfp.component.options import ImageOptions, check_list, valid_name
from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.arguments.argument import Argument, ScriptArguments
from fairing_kfp.preprocess.arguments.declared import plain_arguments
from fairing_kfp.preprocess.arguments.inputs import Inputs, declared_type, inputs_of
from fairing_kfp.preprocess.notebooks.document import read_notebook
from fairing_kfp.preprocess.notebooks.parameters import Parameter
from fairing_kfp.preprocess.notebooks.script import notebook_script
from fairing_kfp.preprocess.script import ScriptSource, call_of, description_of
from fairing_kfp.preprocess.source import new_key
from fairing_kfp.runtime.command_line import TRUTH, VALUE, Spelling


@dataclass(frozen=True)
class CodeSelection:
    """The code of a notebook that its script has.

    Attributes:
        tags: selects cells, see `Notebook.select`.
        writefile: whether files that cells write with `%%writefile` are packed.
        shell: whether shell commands are run in the step.
        class_name: a class of the notebook to run; None to run the cells alone.
        method: the method of the class to run.
    """

    tags: tuple[str, ...] = ()
    writefile: bool = False
    shell: bool = False
    class_name: str | None = None
    method: str | None = None


def notebook_script_component(
    caller: Caller,
    path: str,
    arguments: Mapping[str, Any],
    selection: CodeSelection,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    name: str | None,
    options: ImageOptions,
) -> Component[..., Any]:
    """Makes a KFP component from a notebook; for the arguments see `FairingComponent.from_notebook`.

    Raises:
        PackError: the notebook cannot be read, a cell is not valid Python, or it needs code that is left out.
        ComponentError: the name or type of an argument cannot be used.
    """
    name = valid_name(name or Path(path).stem, path)
    code, interface, packages = script_of_notebook(caller.folder, path, arguments, selection, include, exclude)
    if packages:
        check_list(name, "packages", options.get("packages", ()))
        options["packages"] = [*packages, *options.get("packages", ())]
    return make_component(code, name, new_key(caller.module, path), interface, options)


def script_of_notebook(
    folder: Path,
    path: str,
    arguments: Mapping[str, Any],
    selection: CodeSelection,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
) -> tuple[ScriptSource, Interface, tuple[str, ...]]:
    """Makes the script of a notebook.

    Args:
        folder: the folder that relative paths start at.
        path: the notebook; its folder is the root of its files.
        arguments: by variable, a type, a default or a KFP annotation that the notebook does not declare. A variable
            with an annotation is a path.
        selection: the cells to use, and the class to run.
        include: files of the notebook's folder that it needs.
        exclude: patterns of files to leave out.

    Returns:
        The code, its interface, and the requirements that the script adds.

    Raises:
        PackError: the notebook cannot be read, a cell is not valid Python, or it needs code that is left out.
        ComponentError: the name or type of an argument cannot be used.
    """
    file = (folder / path).absolute()
    for name in arguments:
        if not name.isidentifier():
            raise ComponentError(f"arguments={{{name!r}: …}} of {path} is not a valid variable name", "rename it")
    if selection.method and not selection.class_name:
        raise ComponentError(
            f"method={selection.method!r} of {path} is given without a class", 'add its class: class_name="…"'
        )
    made = notebook_script(
        read_notebook(file),
        tags=selection.tags,
        writefile=selection.writefile,
        shell=selection.shell,
        class_name=selection.class_name,
        method=selection.method,
        arguments={name: declared_type(value) for name, value in plain_arguments(arguments, path)[0].items()},
    )
    origin = f"the notebook {path}"
    data = made.text.encode()
    inputs = _inputs(made.parameters, arguments, origin, made.warnings)
    code = ScriptSource(
        folder, file.parent.resolve(), made.name, data, inputs, include=include, exclude=exclude, generated=made.files
    )
    doc = description_of(data, inputs)
    interface = Interface(origin, inputs.parameters, call_of(code, file.stem), doc=doc, types=inputs.types)
    return code, interface, made.packages


def _inputs(
    parameters: Sequence[Parameter], declared: Mapping[str, Any], origin: str, warnings: tuple[str, ...]
) -> Inputs:
    inputs = inputs_of(ScriptArguments(tuple(map(_argument, parameters))), declared, origin)
    return replace(inputs, warnings=(*inputs.warnings, *warnings))


def _argument(parameter: Parameter) -> Argument:
    """A parameter as an option of the script: `--name=value`, in JSON unless it is a string."""
    known = parameter.default is not None
    form = TRUTH if parameter.type is bool else VALUE
    spelling = Spelling(f"--{parameter.name}", form, known=known, default=parameter.default)
    return Argument(parameter.name, parameter.type, spelling, parameter.required, parameter.default, parameter.help)
