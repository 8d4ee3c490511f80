"""Types of a pipeline's parameters: those of the components' inputs to which they are passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.preprocess.values import described, encoded
from fairing_kfp.runtime.results import PassingError

if TYPE_CHECKING:
    from fairing_kfp.runtime.value_types import ValueType


@dataclass(frozen=True)
class TypedInput:
    """An input of a component, whose type KFP does not know.

    Attributes:
        component: the component's name.
        name: the input.
        type: its type.
    """

    component: str
    name: str
    type: ValueType

    def encoded(self, value: Any, parameter: str) -> Any:
        """The value of a pipeline's parameter as JSON.

        Raises:
            PipelineError: it is not of the type.
        """
        passed = "" if parameter == self.name else f" (the parameter {parameter})"
        try:
            return encoded(self.type, value, f"{self.component}: the input {self.name}{passed}")
        except PassingError as error:
            raise PipelineError(str(error), f"give {self.type.expected}") from None


TypedInputs = Mapping[str, tuple[TypedInput, ...]]
"""The inputs to which each parameter of a DAG is passed."""


def typed_inputs(
    specification: Specification, sources: Mapping[str, ComponentSource], component: Any = None
) -> TypedInputs:
    """The typed inputs to which the parameters of a pipeline are passed, also through pipelines within it.

    Args:
        specification: the compiled pipeline.
        sources: its components, by placeholder.
        component: the component whose DAG is followed; the pipeline's by default.
    """
    found: dict[str, tuple[TypedInput, ...]] = {}
    if not any(source.types for source in sources.values()):
        return found
    dag = (component or specification.document["root"]).get("dag", {})
    for task in dag.get("tasks", {}).values():
        inputs = _inputs_of(specification, sources, specification.components[task["componentRef"]["name"]])
        for name, source in task.get("inputs", {}).get("parameters", {}).items():
            parameter = source.get("componentInputParameter")
            if parameter and "parameterExpressionSelector" not in source:
                targets = (*inputs.get(name, ()), *_of_items(task, name, inputs))
                found[parameter] = (*found.get(parameter, ()), *targets)
    return {name: targets for name, targets in found.items() if targets}


def _of_items(task: Mapping[str, Any], name: str, inputs: TypedInputs) -> list[TypedInput]:
    """The inputs of a loop's body that get an item of a list, as inputs that get the list."""
    iterator = task.get("parameterIterator", {})
    if iterator.get("items", {}).get("inputParameter") != name:
        return []
    from fairing_kfp.runtime.container_types import Listing

    return [replace(one, type=Listing(one.type)) for one in inputs.get(iterator["itemInput"], ())]


def check_constants(specification: Specification, sources: Mapping[str, ComponentSource]) -> None:
    """Checks the defaults of pipelines, and the constants and items passed to pipelines and loops within them.

    Raises:
        PipelineError: one is not of the type of the input to which it is passed.
    """
    for component in (specification.document["root"], *specification.components.values()):
        parameters = component.get("inputDefinitions", {}).get("parameters", {})
        for name, inputs in typed_inputs(specification, sources, component).items():
            if name in parameters and "defaultValue" in parameters[name]:
                for one in inputs:
                    one.encoded(parameters[name]["defaultValue"], name)
        for task in component.get("dag", {}).get("tasks", {}).values():
            target = specification.components[task["componentRef"]["name"]]
            inner = typed_inputs(specification, sources, target)
            for name, source in task.get("inputs", {}).get("parameters", {}).items():
                for one in inner.get(name, ()) if "constant" in source.get("runtimeValue", {}) else ():
                    one.encoded(source["runtimeValue"]["constant"], name)
            iterator = task.get("parameterIterator", {})
            for one in inner.get(iterator.get("itemInput", ""), ()):
                for item in json.loads(iterator["items"].get("raw", "[]")):
                    one.encoded(item, iterator["itemInput"])


def describe_parameters(specification: Specification, inputs: TypedInputs) -> None:
    """Adds the values that a pipeline's parameters may have to their descriptions, which KFP shows."""
    for name, parameter in specification.parameters.items():
        text = parameter.get("description", "")
        for sentence in dict.fromkeys(described(one.type) for one in inputs.get(name, ())):
            if sentence not in text:
                text = f"{text} {sentence}".strip()
        if text:
            parameter["description"] = text


def _inputs_of(
    specification: Specification, sources: Mapping[str, ComponentSource], component: Mapping[str, Any]
) -> TypedInputs:
    if "dag" in component:
        return typed_inputs(specification, sources, component)
    text = json.dumps(specification.executors.get(component.get("executorLabel", ""), {}))
    source = next((source for placeholder, source in sources.items() if placeholder in text), None)
    return {name: (TypedInput(source.name, name, kind),) for name, kind in source.types.items()} if source else {}
