"""The inputs of a task, from what its DAG gets and from the tasks that ended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.local.task import Ended, Values
from fairing_kfp.local.values import as_passed, as_type, filled, selected


@dataclass(frozen=True)
class Scope:
    """What a task of a DAG can refer to.

    Attributes:
        inputs: inputs of the DAG.
        done: its tasks that ended.
        pipeline: name of the pipeline.
        run: name of the run.
        name: name of the task.
        began: when the run began, in UTC (RFC 3339).
    """

    inputs: Values
    done: Mapping[str, Ended]
    pipeline: str
    run: str
    name: str
    began: str

    def inputs_of(self, task: Mapping[str, Any], component: Mapping[str, Any]) -> Values:
        """The inputs of a task, with the defaults of its component."""
        definitions = component.get("inputDefinitions", {}).get("parameters", {})
        parameters: dict[str, Any] = {}
        for key, source in task.get("inputs", {}).get("parameters", {}).items():
            value = self.value(source)
            if value is not None:
                kind = definitions.get(key, {}).get("parameterType", "")
                parameters[key] = as_type(value, kind, f"the parameter {key} of {self.name}")
            elif not definitions.get(key, {}).get("isOptional"):
                shown = f"the parameter {key}" if key in definitions else f"the text with {key.rpartition('--')[2]}"
                raise PipelineError(f"{shown} of {self.name} gets no value", "pass one, or give a default")
        parameters = completed(self.name, component, parameters)
        artifacts = {}
        for key, source in task.get("inputs", {}).get("artifacts", {}).items():
            found = self._artifacts(source)
            if found is not None:
                artifacts[key] = found
        return Values(parameters, artifacts)

    def value(self, source: Mapping[str, Any]) -> Any:
        """The value of an input parameter (InputParameterSpec); None if there is none."""
        value = self._unselected(source)
        selector = source.get("parameterExpressionSelector")
        if not selector or value is None:
            return value
        try:
            return selected(value, selector)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PipelineError(
                f"{selector} fails for {value!r}, an input of {self.name}: {error!r}", "check the items of the loop"
            ) from error

    def _unselected(self, source: Mapping[str, Any]) -> Any:
        if "componentInputParameter" in source:
            return self.inputs.parameters.get(source["componentInputParameter"])
        if "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            return self.done[output["producerTask"]].outputs.parameters.get(output["outputParameterKey"])
        if "taskFinalStatus" in source:
            producer = source["taskFinalStatus"]["producerTask"]
            status = {"state": self.done[producer].state, "pipelineTaskName": producer}
            return as_passed({**status, "pipelineJobResourceName": self.run, "error": {}})
        names = {
            "{{$.pipeline_job_name}}": self.pipeline,
            "{{$.pipeline_job_resource_name}}": self.run,
            "{{$.pipeline_job_uuid}}": self.run,
            "{{$.pipeline_task_name}}": self.name,
            "{{$.pipeline_task_uuid}}": self.name,
            "{{$.pipeline_job_create_time_utc}}": self.began,
            "{{$.pipeline_job_schedule_time_utc}}": self.began,
        }
        value = as_passed(source.get("runtimeValue", {}).get("constant"))
        return names.get(value, value) if isinstance(value, str) else value

    def _artifacts(self, source: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        if "componentInputArtifact" in source:
            return self.inputs.artifacts.get(source["componentInputArtifact"])
        output = source["taskOutputArtifact"]
        return self.done[output["producerTask"]].outputs.artifacts.get(output["outputArtifactKey"])


def completed(name: str, component: Mapping[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a task as it gets them: with the defaults of its component, and inserted into text.

    Args:
        name: name of the task.
        component: its component (ComponentSpec).
        parameters: its parameters.

    Raises:
        PipelineError: a text is not JSON any more after parameters are inserted.
    """
    try:
        parameters = with_defaults(component, parameters, nulls="dag" in component)
        # KFP does not fill text that is passed to a nested pipeline
        return parameters if "dag" in component else filled(parameters, parameters)
    except ValueError as error:
        raise PipelineError(
            f"the inputs of {name} are not JSON after KFP inserts parameters into text: {error}",
            "pass lists, dictionaries and text with quotes or newlines as parameters of their own",
        ) from error


def with_defaults(component: Mapping[str, Any], parameters: dict[str, Any], *, nulls: bool) -> dict[str, Any]:
    """The parameters, and defaults of those without a value; with `nulls` these may be passed on as None."""
    definitions = component.get("inputDefinitions", {}).get("parameters", {})
    defaults = {key: as_passed(one.get("defaultValue")) for key, one in definitions.items() if key not in parameters}
    return {**parameters, **{key: value for key, value in defaults.items() if nulls or value is not None}}


def items_of(name: str, task: Mapping[str, Any], inputs: Values) -> list[Any]:
    """The items of a loop: artifacts, or values.

    Raises:
        PipelineError: what the loop gets is not a list.
    """
    if "artifactIterator" in task:
        return list(inputs.artifacts.get(task["artifactIterator"]["items"]["inputArtifact"], []))
    source = task["parameterIterator"]["items"]
    items = source["raw"] if "raw" in source else inputs.parameters.get(source["inputParameter"])
    with contextlib.suppress(ValueError):
        items = json.loads(items) if isinstance(items, str) else items
    if not isinstance(items, list):
        raise PipelineError(f"the loop {name} gets {items!r}, which is not a list", "loop over a list")
    return items


def iteration(name: str, task: Mapping[str, Any], component: Mapping[str, Any], inputs: Values, item: Any) -> Values:
    """The inputs of an iteration of a loop.

    Raises:
        PipelineError: the item does not have the type of what takes it.
    """
    if "artifactIterator" in task:
        return Values(inputs.parameters, {**inputs.artifacts, task["artifactIterator"]["itemInput"]: [item]})
    key = task["parameterIterator"]["itemInput"]
    kind = component["inputDefinitions"]["parameters"][key].get("parameterType", "")
    value = as_type(as_passed(item), kind, f"the item of the loop {name}")
    return Values({**inputs.parameters, key: value}, inputs.artifacts)
