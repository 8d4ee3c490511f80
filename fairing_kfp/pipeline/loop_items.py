"""Types of the items of loops over outputs and parameters.

kfp declares such an item as a string if the list does not declare the type of its elements. KFP's driver then passes
the item as text, and fails at a step that takes a number, a list or a dictionary ("type mismatch").
"""

from __future__ import annotations

from typing import Any

from fairing_kfp.pipeline.specification import Specification

_ITEM = "-loop-item"
_STRING = "STRING"
_NUMBERS = {"NUMBER_INTEGER", "NUMBER_DOUBLE"}


def type_loop_items(specification: Specification) -> None:
    """Gives each item of a loop, and each field of an item, the type of the inputs that it is passed to.

    Items of inputs with several types, and those in conditions, which kfp writes for strings, stay strings.
    """
    components = specification.components
    for component in components.values():
        for name in _untyped_items(component):
            _type(components, component, name)


def _untyped_items(component: Any) -> list[str]:
    parameters = component.get("inputDefinitions", {}).get("parameters", {}) if "dag" in component else {}
    return [name for name, one in parameters.items() if _ITEM in name and one["parameterType"] == _STRING]


def _type(components: Any, component: Any, name: str) -> str:
    """Sets the type of an item in a DAG, after that in the DAGs that it is passed on to; returns it."""
    parameter = component["inputDefinitions"]["parameters"][name]
    types = set()
    for task in component["dag"]["tasks"].values():
        if f"'{name}'" in task.get("triggerPolicy", {}).get("condition", ""):
            return _STRING
        target = components[task["componentRef"]["name"]]
        for input_name, value in task.get("inputs", {}).get("parameters", {}).items():
            if value.get("componentInputParameter") != name or "parameterExpressionSelector" in value:
                continue
            if input_name in _untyped_items(target):
                types.add(_type(components, target, input_name))
            elif input_name in (definitions := target.get("inputDefinitions", {}).get("parameters", {})):
                types.add(definitions[input_name]["parameterType"])
            # Others are inserted into text, which takes any type.
    types.discard(_STRING)  # the driver converts any value to text
    if types == _NUMBERS:
        types = {"NUMBER_DOUBLE"}
    if len(types) == 1:
        (parameter["parameterType"],) = types
    return str(parameter["parameterType"])
