"""A notebook that runs in full → a KFP component: its inputs, outputs and code."""

from __future__ import annotations

import inspect
import keyword
import os
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.component.caller import Caller
from fairing_kfp.component.interface import Component, Interface, make_component
from fairing_kfp.component.options import ImageOptions, check_list, module_names, valid_name
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.declared import plain_arguments
from fairing_kfp.preprocess.notebook import PACKAGES, NotebookSource
from fairing_kfp.preprocess.notebooks.document import PARAMETERS, read_notebook
from fairing_kfp.preprocess.notebooks.magics import without_line_magics
from fairing_kfp.preprocess.notebooks.parameters import Parameter, read_parameters
from fairing_kfp.preprocess.source import new_key
from fairing_kfp.preprocess.task_call import no_function
from fairing_kfp.runtime.notebook import ARTIFACTS, STATUS

_SIMPLE = (str, int, float, bool, list, dict)


def notebook_component(
    caller: Caller,
    path: str | os.PathLike[str] | None,
    name: str | None,
    arguments: Mapping[str, Any],
    lists: Mapping[str, Sequence[Any]],
    options: ImageOptions,
) -> Component[..., Any]:
    """Makes a KFP component from a notebook that runs in full.

    Args:
        caller: the module that makes the component.
        path: the notebook; None for the notebook whose cell is running.
        name: the component's name; None for the notebook's.
        arguments: types, defaults, artifacts and outputs that its parameters cell does not declare.
        lists: `modules`, `include` and `exclude`.
        options: the options of its image.

    Raises:
        PackError: the notebook cannot be read.
        ComponentError: the running notebook is unknown, or the name or type of an argument cannot be used.
    """
    from fairing_kfp.preprocess.notebooks.current import current_notebook

    notebook = current_notebook(caller.namespace) if path is None else (caller.folder / path).absolute()
    name = valid_name(name or notebook.stem, f"the notebook {notebook}")
    for option, value in {**lists, "packages": options.get("packages", ())}.items():
        check_list(name, option, value)
    modules = module_names(lists["modules"])
    code, interface = full_notebook(notebook, arguments, modules, lists["include"], lists["exclude"])
    options["packages"] = with_papermill(options.get("packages", ()), options.get("provided", ()))
    return make_component(code, name, new_key(caller.module, f"notebook {name}"), interface, options)


def full_notebook(
    path: Path,
    arguments: Mapping[str, Any],
    modules: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[NotebookSource, Interface]:
    """Reads a notebook's code and interface.

    Args:
        path: the notebook.
        arguments: types, defaults, artifacts and outputs that its parameters cell does not declare.
        modules: own modules to pack in full.
        include: files of its folder that it needs.
        exclude: patterns of files to leave out.

    Raises:
        PackError: the notebook cannot be read.
        ComponentError: the name or type of an argument cannot be used.
    """
    from kfp import dsl

    parameters = {parameter.name: parameter for parameter in _read(path)}
    arguments, types = plain_arguments(arguments, path.name)
    declared: dict[str, Any] = {}
    for name, value in arguments.items():
        _check_name(path, name)
        if isinstance(value, (dsl.OutputPath, dsl.InputPath)) or typing.get_origin(value) is not None:
            declared[name] = value
            parameters.pop(name, None)
        else:
            parameters[name] = _declared(path, name, value, parameters.get(name))
    for name in parameters:
        _check_name(path, name)
    outputs = {name: _type(path, name, value) for name, value in declared.items() if isinstance(value, dsl.OutputPath)}
    artifacts = tuple(name for name, value in declared.items() if _is_output_artifact(path, name, value))
    always = {
        ARTIFACTS[0]: dsl.Output[dsl.Artifact],
        ARTIFACTS[1]: dsl.Output[dsl.HTML],
        STATUS: dsl.OutputPath(str),
    }
    annotations = {**{one.name: _annotation(one) for one in parameters.values()}, **declared, **always}
    signature = tuple(
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=_default(parameters, name)
        )
        for name, annotation in annotations.items()
    )
    selected = tuple(include), tuple(exclude)
    source = NotebookSource(path, annotations, outputs, artifacts, tuple(modules), *selected, types)
    doc = _doc(path, parameters.values())
    return source, Interface(f"the notebook {path}", signature, no_function(path.stem), doc=doc, types=types)


def _read(path: Path) -> tuple[Parameter, ...]:
    cells = read_notebook(path).select()
    cell = next((cell for cell in cells if PARAMETERS in cell.tags), None)
    if cell is None:
        return ()
    try:
        return read_parameters(without_line_magics(cell.source))
    except SyntaxError as error:
        raise ComponentError(
            f"the parameters cell {cell.number} of {path.name} is not valid Python: {error.msg} (line {error.lineno})",
            "correct the cell",
        ) from error


def _annotation(parameter: Parameter) -> Any:
    """The type in KFP; optional if the notebook computes the default."""
    optional = parameter.default is None and not parameter.required
    return typing.Optional[parameter.type] if optional else parameter.type  # noqa: UP045 - a type of run time


def with_papermill(packages: Sequence[str], provided: Sequence[str]) -> list[str]:
    """Adds the packages that run a notebook, unless the author requires or the image provides them."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    there = {canonicalize_name(_name(one)) for one in (*packages, *provided)}
    return [*packages, *(one for one in PACKAGES if canonicalize_name(Requirement(one).name) not in there)]


def _name(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement).name
    except InvalidRequirement:  # resolving the packages reports it better
        return requirement


def _declared(path: Path, name: str, value: Any, read: Parameter | None) -> Parameter:
    """A parameter whose type or default `arguments=` declares."""
    if value in _SIMPLE:
        default = read.default if read else None
        if value is float and type(default) is int:
            default = float(default)
        fits = type(default) is value
        return Parameter(name, value, default if fits else None, read.help if read else "", required=not fits)
    if type(value) not in _SIMPLE:
        raise ComponentError(
            f"arguments={{{name!r}: {value!r}}} of {path.name} is neither a type, a default nor a KFP annotation",
            "give a type such as int, a default such as 8, dsl.Input[dsl.Dataset], dsl.Output[dsl.Model] or "
            "dsl.OutputPath(float)",
        )
    return replace(read, type=type(value), default=value) if read else Parameter(name, type(value), value)


def _check_name(path: Path, name: str) -> None:
    if name in (*ARTIFACTS, STATUS):
        raise ComponentError(
            f"{path.name} has an input or output {name!r}, a name reserved for an output of every notebook",
            "rename the variable",
        )
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ComponentError(f"arguments={{{name!r}: …}} of {path.name} is not a valid variable name", "rename it")


def _type(path: Path, name: str, value: Any) -> str:
    """The name of an output parameter's Python type."""
    kind = value.type
    if kind not in _SIMPLE:
        raise ComponentError(
            f"the output {name} of {path.name} is dsl.OutputPath({kind!r}), which is not a parameter type",
            "use dsl.OutputPath(float), or str, int, bool, list, dict; for an artifact dsl.Output[dsl.Model]",
        )
    return str(kind.__name__)


def _is_output_artifact(path: Path, name: str, annotation: Any) -> bool:
    from kfp.dsl.types.type_annotations import OutputAnnotation

    if not any(one is OutputAnnotation for one in getattr(annotation, "__metadata__", ())):
        return False
    kind = annotation.__origin__
    if getattr(kind, "schema_title", "").endswith("Metrics"):
        raise ComponentError(
            f"the output {name} of {path.name} is of the type {kind.__name__}, which has no file",
            'declare the numbers as outputs: arguments={"accuracy": dsl.OutputPath(float)} and record("accuracy", …)',
        )
    return True


def _default(parameters: Mapping[str, Parameter], name: str) -> Any:
    parameter = parameters.get(name)
    return inspect.Parameter.empty if parameter is None or parameter.required else parameter.default


def _doc(path: Path, parameters: Iterable[Parameter]) -> str:
    """The docstring from which KFP reads descriptions."""
    lines = [f"Runs the notebook {path.name}.", "", "Args:"]
    lines += [f"    {one.name}: {one.help}" for one in parameters if one.help]
    lines += [
        f"    {ARTIFACTS[0]}: the executed notebook.",
        f"    {ARTIFACTS[1]}: the executed notebook as HTML.",
        f"    {STATUS}: the failure; empty if all cells succeeded.",
    ]
    return "\n".join(lines)
