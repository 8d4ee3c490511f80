"""A declaration → a KFP component in Python."""

from __future__ import annotations

import inspect
from typing import Any, Optional

from fairing_kfp.components.declaration import COMMAND, Input, Output, ReusableComponent
from fairing_kfp.components.kinds import ARTIFACTS, PARAMETERS
from fairing_kfp.preprocess.stub import stub_component
from fairing_kfp.train.task_config import TASK_CONFIG, require_task_config


def kfp_component(component: ReusableComponent) -> Any:
    """The KFP component, with the placeholder of its image, which `fairing_kfp.compile` replaces.

    Args:
        component: the declaration.

    Raises:
        UnavailableError: it reads settings of its task, and the installed kfp is older than 2.15.
    """
    from kfp import dsl
    from kfp.dsl.structures import InputSpec

    if component.task_settings:
        require_task_config(f"the component {component.name}")

    made = stub_component(
        component.name,
        [*map(_input, component.inputs), *map(_output, component.all_outputs)],
        doc=component.description,
        image=component.image,
        command=COMMAND,
    )
    specification = made.component_spec
    specification.implementation.container.args.insert(0, component.name)
    for one in component.inputs:
        specification.inputs[one.name].description = one.description
    for output in component.all_outputs:
        specification.outputs[output.name].description = output.description
    if component.task_settings:
        specification.inputs[TASK_CONFIG] = InputSpec("TaskConfig", optional=True)
        specification.task_config_passthroughs = [
            dsl.TaskConfigPassthrough(field=dsl.TaskConfigField[one.field], apply_to_task=one.applies)
            for one in component.task_settings
        ]
    return made if component.cached else _uncached(made)


def _input(one: Input) -> inspect.Parameter:
    from kfp import dsl

    if one.is_artifact:
        artifact = dsl.Input[getattr(dsl, ARTIFACTS[one.kind])]
        return _parameter(one.name, Optional[artifact] if one.optional else artifact, one)  # noqa: UP045
    return _parameter(one.name, PARAMETERS[one.kind].type, one)


def _parameter(name: str, annotation: Any, one: Input) -> inspect.Parameter:
    default = inspect.Parameter.empty if one.is_required else one.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _output(one: Output) -> inspect.Parameter:
    from kfp import dsl

    annotation: Any
    if one.is_artifact:
        annotation = dsl.Output[getattr(dsl, ARTIFACTS[one.kind])]
    else:
        annotation = dsl.OutputPath(PARAMETERS[one.kind].type)
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _uncached(made: Any) -> Any:
    """The component, whose tasks do their work in every run."""

    class Uncached(type(made)):  # type: ignore[misc]
        def __call__(self, **arguments: Any) -> Any:
            return super().__call__(**arguments).set_caching_options(False)

    made.__class__ = Uncached
    return made
