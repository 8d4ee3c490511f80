"""What `fairing_component.from_notebook` makes of a notebook that runs as a whole: its inputs, outputs and code."""

from __future__ import annotations

import inspect
import keyword
import os
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.interface import Interface, kfp_component
from fairing_kfp.options import ImageOptions, check_list, source_of, valid_name
from fairing_kfp.preprocess.full_notebook import PACKAGES, FullNotebookSource
from fairing_kfp.preprocess.modules import canonical_name
from fairing_kfp.preprocess.notebook import PARAMETERS, read_notebook
from fairing_kfp.preprocess.notebook_parameters import Parameter, read_parameters
from fairing_kfp.runtime.notebook import ARTIFACTS, STATUS
from fairing_kfp.source import new_key, register

_SIMPLE = (str, int, float, bool, list, dict)


def notebook_component(
    scope: Mapping[str, Any],
    path: str | os.PathLike[str] | None,
    name: str | None,
    arguments: Mapping[str, Any],
    lists: Mapping[str, Sequence[Any]],
    options: ImageOptions,
) -> Any:
    """A KFP component of a notebook that runs as a whole.

    Args:
        scope: the globals of the code that calls.
        path: the notebook, or None for the one that calls.
        name: the component's name, or None for the notebook's.
        arguments: what its `parameters` cell does not say.
        lists: `modules`, `include` and `exclude`.
        options: those of the image.
    """
    from fairing_kfp.preprocess.current_notebook import current_notebook

    file = scope.get("__file__")
    here = Path(file).parent if file else Path.cwd()
    notebook = current_notebook(scope) if path is None else (here / path).absolute()
    named = valid_name(name or notebook.stem, f"the notebook {notebook}")
    for option, value in {**lists, "packages": options.get("packages", ())}.items():
        check_list(named, option, value)
    modules = [module if isinstance(module, str) else module.__name__ for module in lists["modules"]]
    code, interface = full_notebook(notebook, arguments, modules, lists["include"], lists["exclude"])
    options["packages"] = with_papermill(options.get("packages", ()), options.get("provided", ()))
    key = new_key(canonical_name(scope.get("__name__", "__main__"), file), f"notebook {named}")
    source = source_of(code, named, key, options)
    component = kfp_component(source, interface)
    register(source)
    return component


def full_notebook(
    path: Path,
    arguments: Mapping[str, Any],
    modules: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[FullNotebookSource, Interface]:
    """The code of a notebook's component, and what KFP is told of it.

    Args:
        path: the notebook.
        arguments: what its `parameters` cell does not say: types, default values, artifacts and outputs.
        modules: own modules to ship whole.
        include: files of its folder that it needs.
        exclude: those of them that it does not.

    Raises:
        PackError: the notebook cannot be read.
        ComponentError: an argument has no usable name or type.
    """
    from kfp import dsl

    parameters = {parameter.name: parameter for parameter in _read(path)}
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        _check_name(path, name)
        if isinstance(value, dsl.OutputPath) or typing.get_origin(value) is not None or _is_input_path(value):
            given[name] = value
            parameters.pop(name, None)
        else:
            parameters[name] = _declared(path, name, value, parameters.get(name))
    for name in parameters:
        _check_name(path, name)
    outputs = {name: _kind(path, name, value) for name, value in given.items() if isinstance(value, dsl.OutputPath)}
    artifacts = tuple(name for name, value in given.items() if _is_output_artifact(path, name, value))
    always = {
        ARTIFACTS[0]: dsl.Output[dsl.Artifact],
        ARTIFACTS[1]: dsl.Output[dsl.HTML],
        STATUS: dsl.OutputPath(str),
    }
    annotations = {**{one.name: _annotation(one) for one in parameters.values()}, **given, **always}
    signature = tuple(
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=_default(parameters, name)
        )
        for name, annotation in annotations.items()
    )
    source = FullNotebookSource(path, annotations, outputs, artifacts, tuple(modules), tuple(include), tuple(exclude))
    return source, Interface(f"the notebook {path}", signature, _no_function, doc=_doc(path, parameters.values()))


def _read(path: Path) -> tuple[Parameter, ...]:
    cells = read_notebook(path).chosen()
    cell = next((cell for cell in cells if PARAMETERS in cell.tags), None)
    if cell is None:
        return ()
    try:
        return read_parameters(re.sub(r"^([ \t]*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE))
    except SyntaxError as error:
        raise ComponentError(
            f"the parameters in cell {cell.number} of {path.name} are not valid Python: {error.msg} "
            f"(line {error.lineno})",
            "correct the cell",
        ) from error


def _annotation(parameter: Parameter) -> Any:
    """The type for KFP; a parameter without a value keeps the one that the notebook computes."""
    optional = parameter.default is None and not parameter.required
    return typing.Optional[parameter.type] if optional else parameter.type  # noqa: UP045 - known when this runs


def with_papermill(packages: Sequence[str], provided: Sequence[str]) -> list[str]:
    """The packages with those that run a notebook, unless the image or the author brings them."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    there = {canonicalize_name(_name(one)) for one in (*packages, *provided)}
    return [*packages, *(one for one in PACKAGES if canonicalize_name(Requirement(one).name) not in there)]


def _name(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement).name
    except InvalidRequirement:  # it is refused with a better word when packages are resolved
        return requirement


def _declared(path: Path, name: str, value: Any, read: Parameter | None) -> Parameter:
    """A parameter of which `arguments=` says the type or the default value."""
    if value in _SIMPLE:
        default = read.default if read else None
        if value is float and type(default) is int:
            default = float(default)
        fits = type(default) is value
        return Parameter(name, value, default if fits else None, read.help if read else "", required=not fits)
    if type(value) not in _SIMPLE:
        raise ComponentError(
            f"arguments={{{name!r}: {value!r}}} of {path.name} is neither a type, a value nor an annotation of KFP",
            "give a type such as int, a default value such as 8, dsl.Input[dsl.Dataset], dsl.Output[dsl.Model] or "
            "dsl.OutputPath(float)",
        )
    return replace(read, type=type(value), default=value) if read else Parameter(name, type(value), value)


def _check_name(path: Path, name: str) -> None:
    if name in (*ARTIFACTS, STATUS):
        raise ComponentError(
            f"{path.name} has an input or output {name!r}, which is the name of what every notebook gives out",
            "give the variable another name",
        )
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ComponentError(f"arguments={{{name!r}: …}} of {path.name} is no variable's name", "name a variable")


def _is_input_path(value: Any) -> bool:
    from kfp import dsl

    return isinstance(value, dsl.InputPath)


def _kind(path: Path, name: str, value: Any) -> str:
    """The type of an output parameter, in Python."""
    kind = value.type
    if kind not in _SIMPLE:
        raise ComponentError(
            f"the output {name} of {path.name} is dsl.OutputPath({kind!r}), which is no parameter",
            "write dsl.OutputPath(float), or str, int, bool, list, dict; for an artifact dsl.Output[dsl.Model]",
        )
    return str(kind.__name__)


def _is_output_artifact(path: Path, name: str, annotation: Any) -> bool:
    from kfp.dsl.types.type_annotations import OutputAnnotation

    if not any(one is OutputAnnotation for one in getattr(annotation, "__metadata__", ())):
        return False
    kind = annotation.__origin__
    if getattr(kind, "schema_title", "").endswith("Metrics"):
        raise ComponentError(
            f"the output {name} of {path.name} is of the type {kind.__name__}, which holds no file",
            'give the numbers as outputs: arguments={"accuracy": dsl.OutputPath(float)} and record("accuracy", …)',
        )
    return True


def _default(parameters: Mapping[str, Parameter], name: str) -> Any:
    parameter = parameters.get(name)
    return inspect.Parameter.empty if parameter is None or parameter.required else parameter.default


def _doc(path: Path, parameters: Iterable[Parameter]) -> str:
    """The component's text, of which KFP reads the descriptions."""
    lines = [f"Runs the notebook {path.name}.", "", "Args:"]
    lines += [f"    {one.name}: {one.help}" for one in parameters if one.help]
    lines += [
        f"    {ARTIFACTS[0]}: the notebook as it was executed.",
        f"    {ARTIFACTS[1]}: the same as a page.",
        f"    {STATUS}: what went wrong; empty when nothing did.",
    ]
    return "\n".join(lines)


def _no_function(**arguments: Any) -> typing.NoReturn:
    raise ComponentError(
        "a component made of a notebook has no Python function", "run it in a pipeline: fairing_kfp.run(…)"
    )
