"""What `fairing_component.from_notebook(…, mode="script")` makes of a notebook: its code, and what KFP is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.interface import Interface
from fairing_kfp.preprocess.arguments.inputs import Inputs, inputs_of, kind_of_declared
from fairing_kfp.preprocess.arguments.reading import Argument, Reading
from fairing_kfp.preprocess.notebook import read_notebook
from fairing_kfp.preprocess.notebook_parameters import Parameter
from fairing_kfp.preprocess.notebook_script import notebook_script
from fairing_kfp.preprocess.script import ScriptSource, call_of, description_of
from fairing_kfp.runtime.command_line import TRUTH, VALUE, Spelling


def script_of_notebook(
    path: Path,
    folder: Path,
    *,
    arguments: Mapping[str, Any],
    tags: Sequence[str] = (),
    writefile: bool = False,
    class_name: str | None = None,
    method: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[ScriptSource, Interface, tuple[str, ...]]:
    """The code of a notebook's component, what KFP is told of it, and the requirements that it adds.

    Args:
        path: the notebook; its folder is the root of its files.
        folder: where the relative paths of the component begin.
        arguments: by the names of variables what the notebook does not say: a type, a default, or an annotation of
            KFP's, of which the variable is the path.
        tags: the cells to take, see `Notebook.chosen`.
        writefile: whether files that cells write by `%%writefile` travel.
        class_name: a class of the notebook that is run in the end.
        method: its method.
        include: files of the notebook's folder that it needs.
        exclude: those of them that it does not.

    Raises:
        PackError: the notebook cannot be read, or a cell is no valid Python, or needs what was left out.
        ComponentError: an argument has no usable name or type.
    """
    for name in arguments:
        if not name.isidentifier():
            raise ComponentError(f"arguments={{{name!r}: …}} of {path.name} is no variable's name", "name a variable")
    if method and not class_name:
        raise ComponentError(f"method={method!r} of {path.name} is of no class", 'name it: class_name="…"')
    made = notebook_script(
        read_notebook(path),
        tags=tags,
        writefile=writefile,
        class_name=class_name,
        method=method,
        arguments={name: kind_of_declared(value) for name, value in arguments.items()},
    )
    shown = f"the notebook {path}"
    inputs = _inputs(made.parameters, arguments, shown, made.warnings)
    source = ScriptSource(
        folder=folder,
        root=path.parent.resolve(),
        place=made.name,
        data=made.text.encode(),
        inputs=inputs,
        include=tuple(include),
        exclude=tuple(exclude),
        made=made.files,
    )
    description = description_of(made.text.encode(), inputs)
    return source, Interface(shown, inputs.parameters, call_of(source, path.stem), doc=description), made.packages


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
