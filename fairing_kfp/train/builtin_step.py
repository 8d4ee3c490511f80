"""Components with the interface of an author's component, whose step is built in and runs in our own image."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from fairing_kfp.errors import ComponentError
from fairing_kfp.json_spec import OPTION, JsonSpec
from fairing_kfp.train.task_config import TASK_CONFIG


class KfpComponent(Protocol):
    """The parts of a KFP component that a wrapper uses."""

    name: str
    component_spec: Any

    @property
    def python_func(self) -> Callable[..., Any]:
        """The component's function."""


C = TypeVar("C", bound=KfpComponent)

_SHOWN = ("__signature__", "__doc__")


def builtin_step(component: C, image: str, command: Sequence[str], spec: JsonSpec, passthroughs: Sequence[Any]) -> C:
    """A component with the same inputs and outputs, whose step is built in.

    Args:
        component: the author's component.
        image: placeholder of our own image.
        command: command of the step.
        spec: spec of the step.
        passthroughs: settings of the task that the step gets, as `dsl.TaskConfigPassthrough`.
    """
    from kfp import dsl
    from kfp.dsl.structures import InputSpec

    specification = copy.deepcopy(component.component_spec)
    specification.inputs = {**(specification.inputs or {}), TASK_CONFIG: InputSpec("TaskConfig", optional=True)}
    specification.task_config_passthroughs = list(passthroughs)
    container = specification.implementation.container
    container.image, container.command = image, list(command)
    container.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER, OPTION, spec.text()]
    made: C = cast(Any, type(component))(component_spec=specification, python_func=component.python_func)
    vars(made).update({key: value for key, value in vars(component).items() if key in _SHOWN})
    return made


def image_placeholder(component: KfpComponent, wrapper: str) -> str:
    """The placeholder of a component's image.

    Args:
        component: the component.
        wrapper: name of the function that it was passed to, for messages.

    Raises:
        ComponentError: the object is not a component of fairing-kfp, or runs as a job already.
    """
    from fairing_kfp.preprocess.source import placeholders

    container = getattr(getattr(component, "component_spec", None), "implementation", None)
    image = str(getattr(getattr(container, "container", None), "image", ""))
    if image not in placeholders(image):
        raise ComponentError(
            f"{wrapper}({getattr(component, 'name', component)!r}): this is not a component of fairing-kfp",
            "pass the result of @fairing_component, from_script or from_notebook",
        )
    return image
