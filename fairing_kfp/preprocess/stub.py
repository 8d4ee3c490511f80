"""KFP components from a signature alone: kfp reads a stub function, whose image and command are then replaced."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from fairing_kfp.preprocess.kfp_types import without_items
from fairing_kfp.preprocess.task_call import HIDDEN, checked, no_function


def stub_component(
    name: str,
    parameters: Sequence[inspect.Parameter],
    returns: Any = inspect.Signature.empty,
    doc: str | None = None,
    *,
    image: str,
    command: Sequence[str],
    arguments: Sequence[str] = (),
    passthroughs: Sequence[Any] | None = None,
) -> Any:
    """Makes a KFP component of a container from a signature, without a Python function.

    kfp needs a function with a source file and resolved annotations, which a script, a function of a REPL, a partial
    or a module with `from __future__ import annotations` does not have.

    Args:
        name: the component's name.
        parameters: its inputs, and its outputs as KFP's `Output` and `OutputPath`; with resolved annotations.
        returns: its return type, or a NamedTuple; `inspect.Signature.empty` for none.
        doc: its docstring, from which KFP reads descriptions.
        image: the container's image.
        command: the container's command, which receives `--executor_input`.
        arguments: arguments after the executor input.
        passthroughs: `task_config_passthroughs` of `@dsl.component`.

    Raises:
        TypeError, ValueError, AttributeError: KFP cannot read the signature.
    """
    from kfp import dsl  # heavy: half a second

    def stub() -> None: ...

    stub.__name__ = name.replace("-", "_")
    stub.__doc__ = doc
    returns = without_items(returns)
    read = [parameter.replace(annotation=without_items(parameter.annotation)) for parameter in parameters]
    stub.__annotations__ = {
        parameter.name: parameter.annotation
        for parameter in read
        if parameter.annotation is not inspect.Parameter.empty
    }
    if returns is not inspect.Signature.empty:
        stub.__annotations__["return"] = returns
    stub.__signature__ = inspect.Signature(read, return_annotation=returns)  # type: ignore[attr-defined]
    # kfp before 2.15 does not know the argument.
    settings = {"task_config_passthroughs": list(passthroughs)} if passthroughs else {}
    component = dsl.component(stub, base_image=image, target_image=image, **settings)
    container = component.component_spec.implementation.container
    container.command = list(command)
    container.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER, *arguments]
    kind: Any = type(component)
    component.__class__, component.python_func = checked(kind), no_function(name, runs_alone=False)
    component.__signature__, component.__doc__ = _inputs_signature(component, parameters), doc
    return component


def _inputs_signature(component: Any, parameters: Sequence[inspect.Parameter]) -> inspect.Signature:
    """The signature of a call in a pipeline, which notebooks complete and show: the inputs, by keyword."""
    inputs = component.component_spec.inputs or {}
    return inspect.Signature(
        [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in parameters
            if parameter.name in inputs and inputs[parameter.name].type not in HIDDEN
        ]
    )
