"""The interface of a component: its signature in KFP, and the KFP component made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from fairing_kfp.component.options import ImageOptions, component_source
from fairing_kfp.component.typed import encoded_defaults, with_types
from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.defaults import wrong_default
from fairing_kfp.preprocess.image_paths import COMMAND
from fairing_kfp.preprocess.kfp_errors import describe_signature_error
from fairing_kfp.preprocess.secret_env import with_secrets
from fairing_kfp.preprocess.source import register
from fairing_kfp.preprocess.stub import stub_component

if TYPE_CHECKING:
    from fairing_kfp.preprocess.bundle import Code
    from fairing_kfp.preprocess.task import Task
    from fairing_kfp.runtime.value_types import ValueType

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

OUTPUT: Any = None
"""The default of an output, `model: dsl.Output[dsl.Model] = OUTPUT`: KFP passes it, so calls in a pipeline omit it.

It is for type checkers, which cannot tell an output from an input. KFP does not use it.
"""


class Component(Protocol[P, R]):
    """A KFP component made from a function, a script or a notebook.

    At run time this is a subclass of KFP's own. Calling it inside a pipeline makes a task; elsewhere it calls the
    function, which then needs its artifacts as arguments, too.

    Type checkers check the names and types of arguments by the function's. Outputs of tasks (`Task`) are `Any`, and so
    can be arguments; outputs of the function need the default `OUTPUT`, since calls omit them.

    Attributes:
        name: its name in KFP.
        component_spec: its inputs, outputs and container, as KFP's `ComponentSpec`.
    """

    name: str
    component_spec: Any

    @property
    def python_func(self) -> Callable[P, R]:
        """The plain function, for unit tests; for a script a function that runs it here."""

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> Task:
        """Makes a task of a pipeline. KFP takes arguments by name only."""


@dataclass(frozen=True)
class Interface:
    """The interface of a component.

    Attributes:
        origin: what the component is made from, for messages.
        parameters: its inputs, and its outputs as KFP's `Output` and `OutputPath`; with resolved annotations.
        function: the component's `python_func`.
        returns: its return type, or a NamedTuple; `inspect.Signature.empty` for none.
        doc: its docstring, from which KFP reads descriptions.
        types: types of inputs that KFP does not read itself.
    """

    origin: str
    parameters: tuple[inspect.Parameter, ...]
    function: Callable[..., Any]
    returns: Any = inspect.Signature.empty
    doc: str | None = None
    types: Mapping[str, ValueType] = field(default_factory=dict)


def make_component(
    code: Code,
    name: str,
    key: str,
    interface: Interface,
    options: ImageOptions,
    passthroughs: Sequence[Any] | None = None,
) -> Component[..., Any]:
    """Makes the KFP component of a step, whose image is a placeholder until the pipeline is compiled.

    Args:
        code: the step's code.
        name: the component's name.
        key: its key, see `fairing_kfp.preprocess.source.new_key`.
        interface: its signature.
        options: the options of its image.
        passthroughs: `task_config_passthroughs` of `@dsl.component`.

    Raises:
        ComponentError: KFP cannot read the signature, or an option is unknown or malformed.
    """
    source = component_source(code, name, key, options, interface.types)
    parameters = encoded_defaults(name, interface.parameters, interface.types)
    wrong = wrong_default(parameters)
    if wrong:
        raise ComponentError(f"{name}: {wrong[0]}", wrong[1])
    try:
        component = stub_component(
            name,
            parameters,
            interface.returns,
            interface.doc,
            image=source.placeholder,
            command=COMMAND,
            passthroughs=passthroughs,
        )
    except (TypeError, ValueError, AttributeError) as error:
        message, remedy = describe_signature_error(error)
        signature = f"the signature of {name} ({interface.origin})"
        raise ComponentError(f"KFP cannot read {signature}: {message}", remedy) from error
    component.python_func = interface.function
    component = with_types(component, interface.types)
    made: Component[..., Any] = with_secrets(component, source.secrets) if source.secrets else component
    register(source)
    return made
