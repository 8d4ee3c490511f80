"""The tasks of a compiled pipeline, each with what decides whether KFP reuses its outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.step_names import StepNames, ordered
from fairing_kfp.pipeline.specification import Specification

Path = tuple[str, ...]
"""The names of a task and of the groups around it, the outermost first."""


@dataclass(frozen=True)
class Origin:
    """Where the value of an input comes from.

    Attributes:
        value: the value as JSON; empty if a task produces it.
        source: what gives the value, for people: `the parameter depth`, or empty for a constant.
        producers: the tasks that may produce it.
        output: the name of their output.
        selector: the expression that selects a part of the value; empty for all of it.
        is_item: whether each run of the task gets one item of the value.
    """

    value: str = ""
    source: str = ""
    producers: tuple[Path, ...] = ()
    output: str = ""
    selector: str = ""
    is_item: bool = False


@dataclass(frozen=True)
class Task:
    """A task that runs a container, or an importer.

    Attributes:
        path: its place in the graph.
        name: its name among the steps of a run.
        component: the component's name.
        executor: its executor: a container or an importer.
        parameters: the origins of its parameters, by name.
        artifacts: the origins of its artifacts, by name.
        outputs: the types of its outputs, by name.
        is_cached: whether KFP may reuse its outputs.
        cache_key: the key that the author set instead of KFP's; empty for KFP's.
        platform: its settings for Kubernetes.
        spec: the task's specification.
    """

    path: Path
    name: str
    component: str
    executor: Mapping[str, Any] = field(hash=False)
    parameters: Mapping[str, Origin] = field(hash=False)
    artifacts: Mapping[str, Origin] = field(hash=False)
    outputs: Mapping[str, Any] = field(hash=False)
    is_cached: bool
    cache_key: str
    platform: Mapping[str, Any] = field(hash=False)
    spec: Mapping[str, Any] = field(hash=False)

    @property
    def container(self) -> Mapping[str, Any]:
        """Its container; empty for an importer."""
        found: Mapping[str, Any] = self.executor.get("container", {})
        return found


@dataclass(frozen=True)
class Group:
    """A nested pipeline, condition or loop.

    Attributes:
        path: its place in the graph.
        spec: the task's specification.
    """

    path: Path
    spec: Mapping[str, Any] = field(hash=False)


def tasks_of(
    specification: Specification, arguments: Mapping[str, Any], where: str
) -> tuple[dict[Path, Task], dict[Path, Group]]:
    """The tasks and groups of a pipeline, each task after those that it depends on.

    Args:
        specification: the pipeline.
        arguments: the values of its parameters, if they differ from the defaults.
        where: the pipeline's name for messages.

    Raises:
        PipelineError: it is not a compiled pipeline.
    """
    try:
        reader = _Reader(specification, arguments)
        reader.walk((), specification.document["root"]["dag"])
        names = StepNames(specification)
        named = {path: replace(task, name=names.nth(path, 0)) for path, task in reader.tasks.items()}
    except (KeyError, TypeError, AttributeError, CycleError, RecursionError, ValueError) as error:
        raise PipelineError(f"{where} is not a compiled pipeline: {error!r}", "compile it again") from error
    return named, reader.groups


class _Reader:
    """Reads the graph, the groups from the outermost."""

    def __init__(self, specification: Specification, arguments: Mapping[str, Any]) -> None:
        self._specification = specification
        defaults = {name: one.get("defaultValue") for name, one in specification.parameters.items()}
        self._parameters = {**defaults, **arguments}
        self.tasks: dict[Path, Task] = {}
        self.groups: dict[Path, Group] = {}

    def walk(self, path: Path, dag: Mapping[str, Any]) -> None:
        """Reads the tasks of a group."""
        for name in ordered(dag["tasks"]):
            spec, place = dag["tasks"][name], (*path, name)
            component = self._specification.components[spec["componentRef"]["name"]]
            if "dag" in component:
                self.groups[place] = Group(place, spec)
                self.walk(place, component["dag"])
            else:
                self.tasks[place] = self._task(place, spec, component)

    def _task(self, path: Path, spec: Mapping[str, Any], component: Mapping[str, Any]) -> Task:
        definitions, label = component.get("inputDefinitions", {}), component["executorLabel"]
        given = spec.get("inputs", {})
        defaults = {
            name: Origin(_json(one["defaultValue"]), "the default")
            for name, one in definitions.get("parameters", {}).items()
            if "defaultValue" in one and name not in given.get("parameters", {})
        }
        parameters = {name: self._parameter(path[:-1], one) for name, one in given.get("parameters", {}).items()}
        artifacts = {name: self._artifact(path[:-1], one) for name, one in given.get("artifacts", {}).items()}
        outputs = component.get("outputDefinitions", {})
        caching = spec.get("cachingOptions") or {}
        return Task(
            path,
            path[-1],
            spec["componentRef"]["name"],
            self._specification.executors[label],
            {**defaults, **parameters},
            artifacts,
            {**outputs.get("parameters", {}), **outputs.get("artifacts", {})},
            bool(caching.get("enableCache")),
            str(caching.get("cacheKey", "")),
            self._specification.kubernetes_settings(label),
            spec,
        )

    def _parameter(self, group: Path, spec: Mapping[str, Any]) -> Origin:
        """The origin of a parameter that a task of a group gets."""
        selector = spec.get("parameterExpressionSelector")
        origin = self._whole_parameter(group, spec)
        return replace(origin, selector=f"{origin.selector}{selector}") if selector else origin

    def _whole_parameter(self, group: Path, spec: Mapping[str, Any]) -> Origin:
        if "runtimeValue" in spec:
            return Origin(_json(spec["runtimeValue"].get("constant")))
        if "taskOutputParameter" in spec:
            found = spec["taskOutputParameter"]
            return self._output(group, found["producerTask"], found["outputParameterKey"])
        if "componentInputParameter" not in spec:
            return Origin(_json(spec))
        wanted = spec["componentInputParameter"]
        if not group:
            return Origin(_json(self._parameters.get(wanted)), f"the parameter {wanted}")
        outer = self._spec(group)
        iterator = outer.get("parameterIterator", {})
        if iterator.get("itemInput") == wanted:
            items = iterator["items"]
            if "inputParameter" in items:
                listed = self._parameter(group, {"componentInputParameter": items["inputParameter"]})
                return replace(listed, is_item=True)
            return Origin(str(items.get("raw")), is_item=True)
        inner = outer.get("inputs", {}).get("parameters", {}).get(wanted)
        return self._parameter(group[:-1], inner) if inner else Origin("null", f"the input {wanted}")

    def _artifact(self, group: Path, spec: Mapping[str, Any]) -> Origin:
        """The origin of an artifact that a task of a group gets."""
        if "taskOutputArtifact" in spec:
            found = spec["taskOutputArtifact"]
            return self._output(group, found["producerTask"], found["outputArtifactKey"])
        wanted = spec.get("componentInputArtifact")
        if not group or wanted is None:
            return Origin(_json(spec), f"the artifact {wanted}" if wanted else "")
        outer = self._spec(group)
        if outer.get("artifactIterator", {}).get("itemInput") == wanted:
            wanted = outer["artifactIterator"]["items"]["inputArtifact"]
        inner = outer.get("inputs", {}).get("artifacts", {}).get(wanted)
        return self._artifact(group[:-1], inner) if inner else Origin("null", f"the artifact {wanted}")

    def _output(self, group: Path, task: str, output: str) -> Origin:
        return Origin(producers=tuple(self._producers((*group, task), output)), output=output)

    def _producers(self, path: Path, output: str) -> Iterator[Path]:
        """The tasks that produce an output of a task or group."""
        component = self._specification.components[self._spec(path)["componentRef"]["name"]]
        if "dag" not in component:
            yield path
            return
        outputs = component["dag"].get("outputs", {})
        found = outputs.get("artifacts", {}).get(output, {}).get("artifactSelectors", [])
        parameter = outputs.get("parameters", {}).get(output, {})
        one_of = parameter.get("valueFromOneof", {}).get("parameterSelectors", [])
        for selector in (*found, *one_of, *filter(None, [parameter.get("valueFromParameter")])):
            inner = selector.get("outputArtifactKey") or selector.get("outputParameterKey", "")
            yield from self._producers((*path, selector["producerSubtask"]), inner)

    def _spec(self, path: Path) -> Mapping[str, Any]:
        """The specification of a task at a path."""
        component = self._specification.document["root"]
        spec: Mapping[str, Any] = {}
        for name in path:
            spec = component["dag"]["tasks"][name]
            component = self._specification.components[spec["componentRef"]["name"]]
        return spec


def _json(value: Any) -> str:
    """A value as JSON; whole numbers are written alike, however the document writes them."""
    return json.dumps(_whole(value), sort_keys=True, ensure_ascii=False)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
