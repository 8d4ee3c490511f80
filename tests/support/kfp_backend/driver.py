"""The driver and the workflow: which task of a compiled pipeline runs when, and with which inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.kfp_backend.conditions import is_met
from tests.support.kfp_backend.executions import Artifacts, Execution, Store
from tests.support.kfp_backend.launcher import Launcher, stored
from tests.support.kfp_backend.values import BackendError, as_text, kept
from tests.support.yaml_documents import documents

RUN_NAME, RUN_ID = "run-name", "run-id"
_MISSING = object()


@dataclass(frozen=True)
class Ran:
    """A task that ran, failed or was served from the cache.

    Attributes:
        task: its name in the pipeline.
        state: `COMPLETE`, `FAILED` or `CACHED`.
        parameters: input parameters as it got them.
        artifacts: input artifacts.
        outputs: output parameters.
        made: output artifacts.
    """

    task: str
    state: str
    parameters: Mapping[str, Any]
    artifacts: Artifacts
    outputs: Mapping[str, Any]
    made: Artifacts


class Backend:
    """Runs compiled pipelines, a task at a time.

    Args:
        launcher: runs the commands of tasks.

    Attributes:
        ran: tasks of the last run, in order.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._cache: dict[str, Execution] = {}
        self.ran: list[Ran] = []

    def run(self, text: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Artifacts]:
        """Runs a pipeline; gives its outputs.

        Raises:
            BackendError: a task failed, or KFP's driver does.
        """
        document = documents(text)[0]
        self._components = document.get("components", {})
        self._executors = document.get("deploymentSpec", {}).get("executors", {})
        self._name = document["pipelineInfo"]["name"]
        self._store, self._before, self.ran = Store(), dict(self._cache), []
        self._problem = ""
        root = document["root"]
        dag = self._store.add("", None, dag=root["dag"])
        for name, one in root.get("inputDefinitions", {}).get("parameters", {}).items():
            if name in arguments or "defaultValue" in one or one.get("isOptional"):
                dag.inputs[name] = kept(arguments.get(name, one.get("defaultValue")))
        if not self._tasks(root, dag):
            raise BackendError(self._problem)
        outputs = root["dag"].get("outputs", {})
        values = {name: self._of(root, dag, name, False) for name in outputs.get("parameters", {})}
        return values, {name: self._of(root, dag, name, True) for name in outputs.get("artifacts", {})}

    def _of(self, root: Mapping[str, Any], dag: Execution, output: str, artifact: bool) -> Any:
        """An output of the pipeline, found as the output of a nested pipeline would be."""
        outer = Execution(0, "", None)
        dag.parent, dag.task = outer, "root"
        self._store.executions[0] = dag
        return self._store.output(outer, "root", output, artifact=artifact)

    def _tasks(self, component: Mapping[str, Any], dag: Execution) -> bool:
        """Runs the tasks of a DAG; whether none failed. Argo starts none after a failure, but runs exit hooks."""
        tasks = component["dag"]["tasks"]
        states: dict[str, str] = {}
        for name in _order(tasks):
            task = tasks[name]
            is_exit = task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"
            upstream = [states[one] for one in task.get("dependentTasks", ())]
            if not is_exit and ("Failed" in states.values() or set(upstream) - {"Succeeded"}):
                states[name] = "Omitted"
                continue
            if is_exit and "Omitted" in upstream:  # there is no node with the hook
                states[name] = "Omitted"
                continue
            try:
                states[name] = self._task(name, task, dag)
            except BackendError as error:
                self._problem = self._problem or f"{name}: {error}"
                states[name] = "Failed"
        return "Failed" not in states.values()

    def _task(self, name: str, task: Mapping[str, Any], dag: Execution) -> str:
        component = self._components[task["componentRef"]["name"]]
        label = component.get("executorLabel", "")
        if "importer" in self._executors.get(label, {}):
            return self._import(name, task, dag, self._executors[label]["importer"])
        parameters, artifacts = self._inputs(name, task, component, dag)
        condition = task.get("triggerPolicy", {}).get("condition", "")
        met = not condition or is_met(condition, parameters)
        execution = self._store.add(name, dag, dag=component.get("dag"), inputs=parameters, artifacts=artifacts)
        if not met:
            execution.state = "CANCELED"
            return "Skipped"
        if "artifactIterator" in task:
            raise BackendError("ArtifactIterator is not implemented")
        if "parameterIterator" in task:
            return self._loop(task, component, execution)
        if "dag" in component:
            done = self._tasks(component, execution)
            return "Succeeded" if done else "Failed"
        return self._container(task, component, execution, self._executors[label]["container"])

    def _loop(self, task: Mapping[str, Any], component: Mapping[str, Any], loop: Execution) -> str:
        iterator = task["parameterIterator"]
        item, items = iterator["itemInput"], iterator["items"]
        source = item if "raw" in items else items["inputParameter"]
        if "raw" in items:
            loop.inputs[item] = kept(json.loads(items["raw"]))
        values = loop.inputs[source]
        if isinstance(values, str):
            values = kept(json.loads(values))
        if not isinstance(values, list):
            raise BackendError(f"value {values!r} cannot be iterated")
        loop.count = len(values)
        done = True
        for index, value in enumerate(values):
            inputs = {**{key: one for key, one in loop.inputs.items() if key != source}, item: value}
            definitions = component["inputDefinitions"]["parameters"]
            inputs = {
                key: _converted(key, one, definitions[key]["parameterType"]) if key in definitions else one
                for key, one in inputs.items()
            }
            artifacts = self._of_dag(loop)
            iteration = self._store.add(loop.task, loop, dag=component["dag"], index=index, inputs=inputs)
            iteration.artifacts = artifacts
            done = done and self._tasks(component, iteration)
        return "Succeeded" if done else "Failed"

    def _container(
        self, task: Mapping[str, Any], component: Mapping[str, Any], execution: Execution, container: Mapping[str, Any]
    ) -> str:
        artifacts = {name: [one["uri"] for one in listed] for name, listed in execution.artifacts.items()}
        outputs = component.get("outputDefinitions", {})
        key = json.dumps([execution.inputs, artifacts, outputs, container], sort_keys=True)
        if task.get("cachingOptions", {}).get("enableCache") and key in self._before:
            earlier = self._before[key]
            execution.outputs, execution.made, execution.state = earlier.outputs, earlier.made, "CACHED"
            self._record(execution, execution.inputs)
            return "Succeeded"
        attempts = 1 + int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
        for attempt in range(attempts):
            try:
                self._launcher.execute(execution, component, container)
                execution.state = "COMPLETE"
                break
            except BackendError:
                execution.state = "FAILED"
                if attempt + 1 == attempts:
                    raise
            finally:
                if execution.state == "COMPLETE" or attempt + 1 == attempts:
                    if given := self._launcher.given.get(execution.number):
                        self._record(execution, given["inputs"]["parameterValues"])
                    self._update(execution.parent)
        self._cache[key] = execution
        return "Succeeded"

    def _record(self, execution: Execution, parameters: Mapping[str, Any]) -> None:
        self.ran.append(
            Ran(execution.task, execution.state, parameters, execution.artifacts, execution.outputs, execution.made)
        )

    def _update(self, dag: Execution | None) -> None:
        """The state of a DAG after a launcher ended."""
        while dag is not None and dag.parent is not None and dag.dag is not None:
            states = [one.state for one in self._store.executions if one.parent is dag]
            expected = dag.count if dag.count is not None else len(dag.dag["tasks"])
            if sum(state in ("COMPLETE", "CACHED", "CANCELED") for state in states) == expected:
                dag.state = "COMPLETE"
            elif "FAILED" in states:
                dag.state = "FAILED"
            else:
                return
            dag = dag.parent

    def _import(self, name: str, task: Mapping[str, Any], dag: Execution, importer: Mapping[str, Any]) -> str:
        source = importer["artifactUri"]
        if "constant" in source:
            uri = source["constant"]
        else:
            given = task["inputs"]["parameters"][source["runtimeParameter"]]
            if given.get("componentInputParameter") not in dag.inputs:
                raise BackendError("error resolving artifact URI: parent DAG does not have input parameter")
            uri = dag.inputs[given["componentInputParameter"]]
        metadata = stored(kept(importer.get("metadata", {})))
        artifact = {"name": "artifact", "uri": uri, "type": importer["typeSchema"], "metadata": metadata}
        self._store.add(name, dag, state="COMPLETE", made={"artifact": [artifact]})
        return "Succeeded"

    def _of_dag(self, dag: Execution) -> Artifacts:
        """The input artifacts of a DAG as the store gives them: one for a name, and one name for each."""
        names = {id(artifact): name for name, listed in dag.artifacts.items() for artifact in listed}
        found: Artifacts = {}
        for listed in dag.artifacts.values():
            for artifact in listed:
                found[names[id(artifact)]] = [artifact]
        return found

    def _inputs(
        self, name: str, task: Mapping[str, Any], component: Mapping[str, Any], dag: Execution
    ) -> tuple[dict[str, Any], Artifacts]:
        definitions = component.get("inputDefinitions", {}).get("parameters", {})
        sources = task.get("inputs", {}).get("parameters", {})
        found: dict[str, Any] = {}
        nulls = set()
        if "dag" in component:
            for key, one in definitions.items():
                if key not in sources and one.get("isOptional"):
                    found[key] = kept(one.get("defaultValue"))
                    if "defaultValue" not in one:
                        nulls.add(key)
        for key, source in sources.items():
            value = self._value(name, source, task, dag)
            if value is None and "componentInputParameter" in source:
                if definitions.get(key, {}).get("isOptional"):
                    continue
                raise BackendError(f"the resolved input parameter is null: {key}")
            found[key] = value
        for key, source in sources.items():
            if "parameterExpressionSelector" in source:
                found[key] = _selected(found[key], source["parameterExpressionSelector"])
        item = task.get("parameterIterator", {}).get("itemInput")
        for key, one in definitions.items():
            if key == item:
                continue
            if key not in found:
                if not one.get("isOptional") and "defaultValue" not in one:
                    raise BackendError(f"neither value nor default value provided for non-optional parameter {key}")
            elif found[key] is not None or key not in nulls:
                found[key] = _converted(key, found[key], one["parameterType"])
        artifacts: Artifacts = {}
        for key, source in task.get("inputs", {}).get("artifacts", {}).items():
            if "componentInputArtifact" in source:
                held = self._of_dag(dag)
                if source["componentInputArtifact"] not in held:
                    raise BackendError(f"parent DAG does not have input artifact {key}")
                artifacts[key] = held[source["componentInputArtifact"]]
            else:
                output = source["taskOutputArtifact"]
                artifacts[key] = self._store.output(
                    dag, output["producerTask"], output["outputArtifactKey"], artifact=True
                )
        return found, artifacts

    def _value(self, name: str, source: Mapping[str, Any], task: Mapping[str, Any], dag: Execution) -> Any:
        if "componentInputParameter" in source:
            value = dag.inputs.get(source["componentInputParameter"], _MISSING)
            if value is _MISSING:
                raise BackendError(f"parent DAG does not have input parameter {source['componentInputParameter']}")
            return value
        if "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            return self._store.output(dag, output["producerTask"], output["outputParameterKey"], artifact=False)
        if "taskFinalStatus" in source:
            producer = task["dependentTasks"][0]
            state = next(one.state for one in self._store.executions if one.parent is dag and one.task == producer)
            return {"state": state, "pipelineTaskName": producer, "pipelineJobResourceName": RUN_NAME, "error": {}}
        constant = source["runtimeValue"]["constant"]
        known = {
            "{{$.pipeline_job_name}}": self._name,
            "{{$.pipeline_job_resource_name}}": RUN_NAME,
            "{{$.pipeline_job_uuid}}": RUN_ID,
            "{{$.pipeline_task_name}}": name,
        }
        return known.get(constant, constant) if isinstance(constant, str) else kept(constant)


def _order(tasks: Mapping[str, Any]) -> Iterator[str]:
    """The tasks of a DAG by the number of tasks that each waits for at most, then by name and number."""
    waiting, ended = dict(tasks), set()

    def key(name: str) -> tuple[str, int]:
        numbered = re.fullmatch(r"(.+)-(\d+)", name)
        return (numbered[1], int(numbered[2])) if numbered else (name, 0)

    while waiting:
        ready = [name for name, task in waiting.items() if ended.issuperset(task.get("dependentTasks", ()))]
        for name in sorted(ready, key=key):
            del waiting[name]
            yield name
        ended.update(ready)


def _converted(name: str, value: Any, kind: str) -> Any:
    """An input of a type; the driver turns any value into text, and nothing else into another type."""
    if kind == "STRING":
        return as_text(value)
    expected = {
        "NUMBER_INTEGER": float,
        "NUMBER_DOUBLE": float,
        "BOOLEAN": bool,
        "LIST": list,
        "STRUCT": dict,
        "TASK_FINAL_STATUS": dict,
    }[kind]
    if not isinstance(value, expected):
        raise BackendError(f"input parameter {name} type mismatch: expect {kind}, got {value!r}")
    return value


def _selected(value: Any, selector: str) -> Any:
    """`parseJson(string_value)["key"]…` of a value."""
    match = re.fullmatch(r"parseJson\(string_value\)((?:\[[^\]]+\])+)", selector)
    assert match
    found = kept(json.loads(as_text(value)))
    for key in re.findall(r"\[([^\]]+)\]", match[1]):
        try:
            found = found[json.loads(key)]
        except (KeyError, IndexError, TypeError) as error:
            raise BackendError(f"evaluation of parameter expression selector {selector} failed: {error!r}") from error
    return found
