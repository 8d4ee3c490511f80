"""A call of a component: a task within a pipeline, a call of its function elsewhere; arguments are checked first."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.kfp_errors import shown_type, translate

HIDDEN = ("TaskConfig", "PipelineTaskFinalStatus")
"""Types of inputs that kfp passes by itself."""
_LONGEST = 60


@functools.cache
def checked(base: Any) -> Any:
    """The class of a KFP component whose calls are checked.

    Args:
        base: kfp's class.
    """

    class CheckedComponent(base):  # type: ignore[misc]
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            if not in_pipeline():
                return _call_here(self, arguments, named)
            check_task(self, arguments, named)
            try:
                return super().__call__(**named)
            except Exception as error:  # kfp's own classes, and most of Python's
                message, remedy = translate(error) or (str(error), "check the arguments of the task")
                raise ComponentError(
                    message if message.startswith(f"{self.name}:") else f"{self.name}: {message}", remedy
                ) from error

    return CheckedComponent


def in_pipeline() -> bool:
    """Whether the function of a pipeline runs, so that calls of components make tasks."""
    from kfp.dsl.pipeline_context import Pipeline

    return Pipeline.get_default_pipeline() is not None


def no_function(name: str, *, runs_alone: bool = True) -> Any:
    """The function of a component that has none in Python: an error that says where it runs.

    Args:
        name: the component's name.
        runs_alone: whether `fairing_kfp.run` can run it, as a variable of that name.
    """

    def call(**arguments: Any) -> Any:
        raise ComponentError(
            f"{name} is called outside of a pipeline, and has no Python function",
            "call it in a function decorated with @dsl.pipeline"
            + (f"; to run it alone, {_run(name, arguments)}" if runs_alone else ""),
        )

    return call


def check_task(component: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Checks the arguments of a task, as far as kfp does not name the component and the parameter.

    Raises:
        ComponentError: an argument is passed by position, unknown or missing, or kfp cannot pass its value.
    """
    name = component.name
    inputs = {key: one for key, one in (component.component_spec.inputs or {}).items() if one.type not in HIDDEN}
    outputs = component.component_spec.outputs or {}
    if arguments:
        written = [f"{key}={_short(value)}" for key, value in zip(inputs, arguments, strict=False)]
        raise ComponentError(
            f"{name} is called with arguments by position, and kfp takes them by name only",
            f"write {name.replace('-', '_')}({', '.join(written)})" if written else "it has no parameters",
        )
    for given in named:
        if given in outputs and given not in inputs:
            raise ComponentError(
                f"{name}: {given} is an output, and is not passed",
                f'leave it out; a later task gets it as {name.replace("-", "_")}_task.outputs["{given}"]',
            )
        if given not in inputs:
            raise ComponentError(
                f"{name} has no parameter {given!r}",
                f"its parameters are {', '.join(inputs)}" if inputs else "it has no parameters",
            )
    missing = [key for key, one in inputs.items() if not one.optional and key not in named]
    if missing:
        raise ComponentError(
            f"{name} needs a value for {', '.join(missing)}",
            f"add {', '.join(f'{key}={_example(inputs[key].type)}' for key in missing)}",
        )
    for key, value in named.items():
        _check_value(name, key, value, optional=bool(inputs[key].optional))


def _check_value(name: str, key: str, value: Any, *, optional: bool) -> None:
    from kfp.dsl import Artifact
    from kfp.dsl.pipeline_task import PipelineTask

    if value is None:
        raise ComponentError(
            f"{name}: the argument {key} is None, which kfp does not pass",
            f"leave {key} out: its default is used" if optional else f"pass a value, or give {key} a default",
        )
    if isinstance(value, PipelineTask):
        outputs = list(value.component_spec.outputs or {})
        used = "output" if outputs == ["Output"] else f'outputs["{outputs[0]}"]' if outputs else ""
        others = f" (its outputs: {', '.join(outputs)})" if len(outputs) > 1 else ""
        raise ComponentError(
            f"{name}: the argument {key} is the task {value.name}, not its output",
            f"pass its output: {key}=….{used}{others}" if used else "it has none: annotate what its function returns",
        )
    if isinstance(value, Artifact):
        raise ComponentError(
            f"{name}: the argument {key} is an artifact made here, of the type {type(value).__name__}",
            "pass the output of a task, or import a file by dsl.importer",
        )
    for path, inner in parts(value):
        why = unsupported(inner)
        if why:
            verb = "has the key" if isinstance(inner, _Key) else "is"
            raise ComponentError(f"{name}: the argument {key}{path} {verb} {_short(inner)}, {why[0]}", why[1])


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """A value and the values in it, with their paths, such as `["optimizer"][0]`."""
    yield path, value
    if type(value) is dict:
        for key, inner in value.items():
            if not isinstance(key, str):
                yield path, _Key(key)
            yield from parts(inner, f"{path}[{key!r}]")
    elif type(value) is list:
        for number, inner in enumerate(value):
            yield from parts(inner, f"{path}[{number}]")


class _Key:
    """A key of a dictionary that is not text."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __repr__(self) -> str:
        return repr(self.key)


def unsupported(value: Any) -> tuple[str, str] | None:
    """Why kfp cannot pass a value, and what to pass instead; None if it can."""
    from kfp.dsl.pipeline_channel import PipelineChannel
    from kfp.dsl.placeholders import Placeholder

    if isinstance(value, _Key):
        return "and keys are text in KFP", f'write it as text: "{value.key}"'
    if value is None:
        return "which kfp does not pass", "leave it out, or pass a value that stands for it, such as an empty text"
    if isinstance(value, float) and not math.isfinite(value):
        return "which JSON does not have", f'leave it out, or pass it as text: "{value}"'
    if isinstance(value, (str, int, float, bool, dict, list, PipelineChannel, Placeholder)):
        return None
    kind = f"of the type {type(value).__name__}, which kfp does not pass"
    if isinstance(value, (tuple, set, frozenset, range)):
        return kind, "pass a list: list(…)"
    if hasattr(value, "tolist"):  # numpy and pandas
        return kind, "pass value.tolist(); for a large one, an artifact"
    if hasattr(value, "isoformat"):
        return kind, "pass value.isoformat()"
    return kind, "pass str, int, float, bool, list or dict; for other objects, a file as an artifact"


def _call_here(component: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Calls the function of a component, outside of a pipeline.

    Raises:
        ComponentError: an argument is unknown or missing, or the component has no function in Python.
    """
    function, name = component.python_func, component.name
    signature = inspect.signature(function)
    takes_all = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    for key in named:
        if key not in signature.parameters and not takes_all:
            known = ", ".join(signature.parameters)
            raise ComponentError(
                f"{name} has no parameter {key!r}", f"its parameters are {known}" if known else "it has no parameters"
            )
    outputs = [key for key in component.component_spec.outputs or {} if key not in named and key != "Output"]
    try:
        bound = signature.bind(*arguments, **named).arguments
        omitted = [key for key in outputs if key in signature.parameters and key not in bound]
        if omitted:  # they have a default, for type checkers
            raise TypeError(f"missing a required argument: {omitted[0]!r}")
    except TypeError as error:
        given = {key: value for key, value in named.items() if key not in outputs}
        why = f"; its outputs are arguments, too: {', '.join(outputs)}" if outputs else ""
        raise ComponentError(
            f"{name} is called outside of a pipeline, where it is its function: {error}{why}",
            "pass what the function needs"
            + (", artifacts by fairing_kfp.testing.fake_artifact" if outputs else "")
            + f"; or run it as a step: {_run(name, given)}",
        ) from error
    return function(*arguments, **named)


def _run(name: str, arguments: Mapping[str, Any]) -> str:
    given = ", ".join(f'"{key}": {_short(value)}' for key, value in arguments.items())
    return f"fairing_kfp.run({name.replace('-', '_')}{', {' + given + '}' if given else ''})"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _example(kind: str) -> str:
    """What to write for a value of a type, in a remedy."""
    shown = shown_type(kind)
    return f"<an output of the type {shown}>" if shown.startswith("dsl.") else f"<{shown}>"
