"""`component.py`: a component for people who have kfp, but not this package."""

from __future__ import annotations

from collections.abc import Iterable

from fairing_kfp.components.declaration import COMMAND, Input, Output, ReusableComponent
from fairing_kfp.components.kinds import ARTIFACTS

_FILE = '''\
"""The component {name}, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "{image}"


@dsl.container_component
def {identifier}(
{parameters}
):
    """{description}

    Args:
{arguments}

    Returns:
{results}
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[{command}],
        args=["{name}", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
'''
_LOADED = '''\
"""The component {name}, in kfp alone."""

from pathlib import Path

from kfp.components import load_component_from_file

# KFP passes settings of the task to a step by its component.yaml only.
{identifier} = load_component_from_file(str(Path(__file__).with_name("component.yaml")))
'''


def component_file(component: ReusableComponent, image: str) -> str:
    """The text of `component.py`, which imports the standard library and kfp only.

    Args:
        component: the declaration.
        image: the image that its step runs in.
    """
    if component.task_settings:
        return _LOADED.format(name=component.name, identifier=component.identifier)
    required = [one for one in component.inputs if one.is_required]
    optional = [one for one in component.inputs if not one.is_required]
    # Outputs have no default, so they come before inputs that do.
    parameters = [*map(_input, required), *map(_output, component.all_outputs), *map(_input, optional)]
    text = _FILE.format(
        name=component.name,
        identifier=component.identifier,
        image=image,
        description=component.description,
        parameters="\n".join(f"    {parameter}," for parameter in parameters),
        arguments=_described(component.inputs),
        results=_described(component.all_outputs),
        command=", ".join(f'"{word}"' for word in COMMAND),
    )
    return text if "Optional[" in text else text.replace("from typing import Optional\n\n", "")


def _input(one: Input) -> str:
    annotation = f"dsl.Input[dsl.{ARTIFACTS[one.kind]}]" if one.is_artifact else one.kind
    if one.is_required:
        return f"{one.name}: {annotation}"
    if one.is_artifact:
        return f"{one.name}: Optional[{annotation}] = None"
    default = f'"{one.default}"' if one.kind == "str" else repr(one.default)
    return f"{one.name}: {annotation} = {default}"


def _output(one: Output) -> str:
    annotation = f"dsl.Output[dsl.{ARTIFACTS[one.kind]}]" if one.is_artifact else f"dsl.OutputPath({one.kind})"
    return f"{one.name}: {annotation}"


def _described(entries: Iterable[Input | Output]) -> str:
    return "\n".join(f"        {one.name}: {one.description}" for one in entries)
