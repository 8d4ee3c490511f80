"""The metadata store of a run: its executions, and how an input finds the execution that made its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.kfp_backend.values import BackendError

Artifacts = dict[str, list[dict[str, Any]]]


@dataclass(eq=False)
class Execution:
    """An execution: a DAG, an iteration of a loop, or a task that ran.

    Attributes:
        number: its number in the store.
        task: name of its task.
        parent: the DAG that it belongs to; None for the pipeline.
        dag: the specification of its DAG; None for a task that runs something.
        index: index of the iteration.
        count: number of iterations of a loop.
        state: `RUNNING`, `COMPLETE`, `FAILED`, `CACHED` or `CANCELED`, which is a condition that was not met.
        inputs: input parameters.
        artifacts: input artifacts.
        outputs: output parameters.
        made: output artifacts.
    """

    number: int
    task: str
    parent: Execution | None
    dag: Mapping[str, Any] | None = None
    index: int | None = None
    count: int | None = None
    state: str = "RUNNING"
    inputs: dict[str, Any] = field(default_factory=dict)
    artifacts: Artifacts = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    made: Artifacts = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name among all executions: with its DAG's number and, in a loop, the iteration."""
        assert self.parent is not None
        index = self.index if self.index is not None else self.parent.index
        return f"{self.task}_{self.parent.number}" + (f"_idx_{index}" if index is not None else "")


@dataclass
class Store:
    """All executions of a run."""

    executions: list[Execution] = field(default_factory=list)

    def add(self, task: str, parent: Execution | None, **values: Any) -> Execution:
        """Adds an execution."""
        self.executions.append(Execution(len(self.executions) + 1, task, parent, **values))
        return self.executions[-1]

    def below(self, dag: Execution) -> dict[str, Execution]:
        """The executions of a DAG and of those in it, by key."""
        found: dict[str, Execution] = {}
        for one in self.executions:
            outer = one.parent
            while outer is not None and outer is not dag:
                outer = outer.parent
            if outer is dag:
                if one.key in found:
                    raise BackendError(f"two tasks have the same task name {one.key}")
                found[one.key] = one
        return found

    def output(self, dag: Execution, producer: str, output: str, *, artifact: bool) -> Any:
        """The value of an output of a task of a DAG: collected, if it is of a loop."""
        tasks = self.below(dag)
        key = f"{producer}_{dag.number}" + (f"_idx_{dag.index}" if dag.index is not None else "")
        if key not in tasks:
            raise BackendError(f"producer task {key} not in tasks")
        current = tasks[key]
        while current.dag is not None:
            assert current.parent is not None
            if (current.count if current.count is not None else current.parent.count or 0) > 0:
                return self._collected(tasks, current, output, artifact)
            key, output = _producer(current, tasks, key, output, artifact)
            if key not in tasks:
                raise BackendError(f"subTaskName {key} not in tasks")
            current = tasks[key]
        return current.made[output] if artifact else current.outputs.get(output)

    def _collected(self, tasks: Mapping[str, Execution], loop: Execution, output: str, artifact: bool) -> list[Any]:
        """The outputs of all iterations: one flat list, also of loops in loops."""
        found: list[Any] = []
        ahead, below, working = [loop.key], "", output
        previous_task, previous = loop.task, output
        while ahead:
            current = tasks[ahead.pop(0)]
            if current.task == previous_task:
                working = previous
            previous_task, previous = current.task, working
            below, working = _producer(current, tasks, below, working, artifact)
            if current.dag is None:
                if artifact:
                    found += current.made[working]
                else:
                    found.append(current.outputs.get(working))
            elif current.count is None:
                ahead.append(below if current.index is None else f"{below}_idx_{current.index}")
            else:
                ahead += [f"{current.task}_{current.number}_idx_{index}" for index in range(current.count)]
        return found


def _producer(
    current: Execution, tasks: Mapping[str, Execution], key: str, output: str, artifact: bool
) -> tuple[str, str]:
    """The task of a DAG that an output of the DAG is from, and the output there."""
    outputs = (current.dag or {}).get("outputs", {})
    if artifact:
        selectors = outputs.get("artifacts", {}).get(output, {}).get("artifactSelectors", [])
        name = "outputArtifactKey"
    else:
        source = outputs.get("parameters", {}).get(output, {})
        one = source.get("valueFromParameter")
        selectors = [one] if one else source.get("valueFromOneof", {}).get("parameterSelectors", [])
        name = "outputParameterKey"
    if not selectors:
        return key, output
    if len(selectors) > 1:
        for selector in selectors:
            found = tasks.get(f"{selector['producerSubtask']}_{current.number}")
            if found is not None and found.state in ("CACHED", "COMPLETE"):
                selectors = [selector]
                break
        else:
            raise BackendError(f"processing OneOf: No successful task found for output key {output}")
    return f"{selectors[0]['producerSubtask']}_{current.number}", selectors[0][name]
