"""What KFP is told of a component, and the KFP component that is made of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.kubernetes_secrets import with_secrets

if TYPE_CHECKING:
    from fairing_kfp.source import ComponentSource


@dataclass(frozen=True)
class Interface:
    """A component as KFP sees it.

    Attributes:
        shown: what it is made of, for messages.
        parameters: its inputs, and its outputs as KFP's `Output` and `OutputPath`; with resolved annotations.
        returns: what it gives back, a type or a NamedTuple; `inspect.Signature.empty` for nothing.
        doc: its text, of which KFP reads the descriptions.
        function: what a unit test calls.
    """

    shown: str
    parameters: tuple[inspect.Parameter, ...]
    function: Callable[..., Any]
    returns: Any = inspect.Signature.empty
    doc: str | None = None


def kfp_component(source: ComponentSource, interface: Interface, passthroughs: Sequence[Any] | None = None) -> Any:
    """Lets kfp read a stand-in that has the component's signature, and puts our image and command in its place.

    The stand-in has a source file and resolved annotations, which kfp needs and a script, a function of a REPL, a
    partial or `from __future__ import annotations` has not.

    Raises:
        ComponentError: KFP cannot read the signature.
    """
    from kfp import dsl  # heavy: half a second

    from fairing_kfp.preprocess.places import COMMAND

    def stand_in() -> None: ...

    stand_in.__name__ = source.name.replace("-", "_")
    stand_in.__doc__ = interface.doc
    stand_in.__annotations__ = {
        parameter.name: parameter.annotation
        for parameter in interface.parameters
        if parameter.annotation is not inspect.Parameter.empty
    }
    if interface.returns is not inspect.Signature.empty:
        stand_in.__annotations__["return"] = interface.returns
    stand_in.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        interface.parameters, return_annotation=interface.returns
    )
    try:
        component = dsl.component(
            stand_in,
            base_image=source.placeholder,
            target_image=source.placeholder,
            task_config_passthroughs=list(passthroughs) if passthroughs else None,
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise ComponentError(
            f"the signature of {source.name} ({interface.shown}) cannot be read by KFP: {error}",
            "annotate every parameter and the return value with a type that KFP knows: "
            "str, int, float, bool, list, dict, or an artifact such as dsl.Output[dsl.Model]",
        ) from error
    container = component.component_spec.implementation.container
    container.command = list(COMMAND)
    container.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER]
    component.python_func = interface.function
    return with_secrets(component, source.secrets) if source.secrets else component
