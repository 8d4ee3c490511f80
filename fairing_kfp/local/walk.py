"""A walk through the graph of a run: which tasks may start, and what follows from those that ended.

Nothing runs here. A DAG or a loop is polled after each step that ended; it gives the steps that may start, and takes
the inputs of each only when it is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import FairingError, PipelineError
from fairing_kfp.local.condition import is_met
from fairing_kfp.local.scope import Scope, items_of, iteration
from fairing_kfp.local.step_names import StepNames, ordered
from fairing_kfp.local.task import FAILED, NOT_STARTED, SKIPPED, SUCCEEDED, Ended, Task, Values
from fairing_kfp.local.values import Collected
from fairing_kfp.pipeline.specification import is_exit_task

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification


class Run:
    """What the DAGs of a run share.

    Args:
        specification: the pipeline.
        name: name of the run.
        began: when it began, in UTC (RFC 3339).

    Attributes:
        problem: why the run failed, if no step tells it.
    """

    def __init__(self, specification: Specification, name: str, began: str) -> None:
        self.components = specification.components
        self.pipeline, self.name, self.began = specification.name, name, began
        self.names = StepNames(specification)
        self.problem: FairingError | None = None
        self._failed: set[tuple[int, ...]] = set()

    def fail(self, guard: tuple[int, ...], problem: FairingError | None) -> None:
        """Stops what has not started, except exit tasks."""
        if not self._failed:
            self.problem = problem
        self._failed.add(guard)

    def has_failed(self, guard: tuple[int, ...]) -> bool:
        """Whether something failed: in the pipeline, or below the exit task at the position."""
        return guard in self._failed


@dataclass(eq=False)
class Step:
    """A task that runs something.

    Attributes:
        name: its name in its DAG.
        dag: its DAG.
        task: what it runs, without the name of the step.
        ended: its end.
        started: whether it runs, or ended.
    """

    name: str
    dag: Dag
    task: Task
    ended: Ended | None = None
    started: bool = False

    def start(self) -> Task | None:
        """The task, with its name; None as long as the names of the same task in earlier iterations are unknown."""
        step = self.dag.step_name(self.name)
        if step is None:
            return None
        self.started = True
        return replace(self.task, step=step)

    def end(self, outputs: Values | None, problem: FairingError | None = None) -> None:
        """Takes the outputs; None if it failed."""
        if outputs is None:
            self.dag.fail(problem)
        self.ended = Ended(FAILED) if outputs is None else Ended(SUCCEEDED, outputs)

    def poll(self) -> Iterator[Step]:
        """The step itself, if it may start."""
        if not self.started and self.dag.is_stopped(self.name):
            self.ended = Ended(NOT_STARTED)
        elif not self.started:
            yield self


@dataclass(eq=False)
class Dag:
    """A DAG: the pipeline, a nested pipeline, a branch, or an iteration of a loop.

    Attributes:
        run: its run.
        component: its component (ComponentSpec).
        inputs: its inputs.
        path: names of the tasks that lead to it.
        position: their positions and iterations, which order the steps.
        guard: position of the exit task that it belongs to; empty for the pipeline.
        outer: the loops that it is in, with the iteration.
        ended: its end.
    """

    run: Run
    component: Mapping[str, Any]
    inputs: Values
    path: tuple[str, ...] = ()
    position: tuple[int, ...] = ()
    guard: tuple[int, ...] = ()
    outer: tuple[tuple[Loop, int], ...] = ()
    ended: Ended | None = None
    _live: dict[str, Step | Dag | Loop] = field(default_factory=dict)
    _done: dict[str, Ended] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tasks = self.component["dag"]["tasks"]
        self._order = ordered(self._tasks)

    def fail(self, problem: FairingError | None = None) -> None:
        """Stops what has not started."""
        self.run.fail(self.guard, problem)

    def is_stopped(self, name: str) -> bool:
        """Whether a task may not start any more, because another failed."""
        return not is_exit_task(self._tasks[name]) and self.run.has_failed(self.guard)

    def poll(self) -> Iterator[Step]:
        """The steps that may start, in order. Sets `ended`."""
        for number, name in enumerate(self._order):
            if name in self._done:
                continue
            if name not in self._live:
                upstream = [self._done.get(one) for one in self._tasks[name].get("dependentTasks", ())]
                if None in upstream:
                    continue
                self._begin(name, number, [one.state for one in upstream if one])
            if name in self._live:
                yield from self._live[name].poll()
                if (ended := self._live[name].ended) is not None:
                    self._done[name] = ended
                    if ended.state == FAILED:
                        self.fail()
        if len(self._done) == len(self._order):
            states = {one.state for one in self._done.values()}
            self.ended = Ended(FAILED) if states & {FAILED, NOT_STARTED} else Ended(SUCCEEDED, self._outputs())

    def _begin(self, name: str, number: int, upstream: list[str]) -> None:
        """Starts a task whose upstream tasks ended, or ends it."""
        task = self._tasks[name]
        if self.is_stopped(name) or (is_exit_task(task) and NOT_STARTED in upstream):
            self._done[name] = Ended(NOT_STARTED)
        elif set(upstream) - {SUCCEEDED} and not is_exit_task(task):
            self._done[name] = Ended(SKIPPED)
        else:
            try:
                begun = self._begun(name, task, (*self.position, number))
            except PipelineError as error:
                self.fail(error)
                begun = Ended(FAILED)
            if isinstance(begun, Ended):
                self._done[name] = begun
            else:
                self._live[name] = begun

    def _begun(self, name: str, task: Mapping[str, Any], position: tuple[int, ...]) -> Step | Dag | Loop | Ended:
        component = self.run.components[task["componentRef"]["name"]]
        scope = Scope(self.inputs, self._done, self.run.pipeline, self.run.name, name, self.run.began)
        inputs = scope.inputs_of(task, component)
        condition = task.get("triggerPolicy", {}).get("condition", "")
        if condition and not is_met(condition, inputs.parameters):
            return Ended(SKIPPED)
        if "dag" in component:
            guard = position if is_exit_task(task) else self.guard
            inner = Dag(self.run, component, inputs, (*self.path, name), position, guard, self.outer)
            is_loop = "parameterIterator" in task or "artifactIterator" in task
            return Loop(name, task, inner, items_of(name, task, inputs)) if is_loop else inner
        cached = bool(task.get("cachingOptions", {}).get("enableCache"))
        attempts = 1 + int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
        path = (*self.path, name)
        return Step(name, self, Task("", component, inputs, cached, attempts, scope.value, position, path))

    def _outputs(self) -> Values:
        """The outputs, after all tasks ended; those of skipped tasks are omitted."""
        outputs, definitions = Values(), self.component["dag"].get("outputs", {})
        for key, source in definitions.get("parameters", {}).items():
            one = source.get("valueFromParameter")
            for selector in [one] if one else source["valueFromOneof"]["parameterSelectors"]:
                values = self._done[selector["producerSubtask"]].outputs.parameters
                if selector["outputParameterKey"] in values:
                    outputs.parameters[key] = values[selector["outputParameterKey"]]
                    break
        for key, source in definitions.get("artifacts", {}).items():
            for selector in source["artifactSelectors"]:
                artifacts = self._done[selector["producerSubtask"]].outputs.artifacts
                if selector["outputArtifactKey"] in artifacts:
                    outputs.artifacts[key] = artifacts[selector["outputArtifactKey"]]
                    break
        return outputs

    def step_name(self, name: str) -> str | None:
        """The name of a step that starts; None if it depends on earlier iterations that have not come so far."""
        path = (*self.path, name)
        if self.run.names.is_regular(path):
            return self.run.names.nth(path, self.outer[0][1] if self.outer else 0)
        if not all(loop.are_settled(index, path[len(loop.path) :]) for loop, index in self.outer):
            return None
        return self.run.names.next(path)

    def is_settled(self, path: tuple[str, ...]) -> bool:
        """Whether it is known if and how often the task at a path below it runs."""
        name, *rest = path
        if self.ended is not None or name in self._done:
            return True
        live = self._live.get(name)
        if live is None or isinstance(live, Step):
            return live is not None and live.started
        return live.is_settled(tuple(rest))


@dataclass(eq=False)
class Loop:
    """A loop, whose iterations are DAGs.

    Attributes:
        name: name of its task.
        task: its task (PipelineTaskSpec).
        body: its DAG, with the inputs of the loop.
        items: its items.
        ended: its end.
    """

    name: str
    task: Mapping[str, Any]
    body: Dag
    items: list[Any]
    ended: Ended | None = None
    _iterations: list[Dag] = field(default_factory=list)
    _failed: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Names of the tasks that lead to it."""
        return self.body.path

    def poll(self) -> Iterator[Step]:
        """The steps that may start, in the order of the iterations. Sets `ended`."""
        limit = int(self.task.get("iteratorPolicy", {}).get("parallelismLimit", 0)) or len(self.items)
        active = 0
        for index in range(len(self.items)):
            if index == len(self._iterations):
                if active >= limit or self._failed or self.body.run.has_failed(self.body.guard):
                    break
                self._begin(index)
                if self._failed:
                    break
            one = self._iterations[index]
            if one.ended is None:
                yield from one.poll()
            active += one.ended is None
        stopped = self._failed or self.body.run.has_failed(self.body.guard)
        if not active and (stopped or len(self._iterations) == len(self.items)):
            good = not self._failed and len(self._iterations) == len(self.items)
            good = good and all(one.ended and one.ended.state == SUCCEEDED for one in self._iterations)
            self.ended = Ended(SUCCEEDED, self._collected()) if good else Ended(FAILED)

    def _begin(self, index: int) -> None:
        body = self.body
        try:
            inputs = iteration(self.name, self.task, body.component, body.inputs, self.items[index])
        except PipelineError as error:
            body.fail(error)
            self._failed = True
            return
        position, outer = (*body.position, index), (*body.outer, (self, index))
        self._iterations.append(Dag(body.run, body.component, inputs, body.path, position, body.guard, outer))

    def _collected(self) -> Values:
        collected = Values()
        for key in self.body.component["dag"].get("outputs", {}).get("parameters", {}):
            collected.parameters[key] = Collected()
        for one in self._iterations:
            outputs = one.ended.outputs if one.ended else Values()
            for key, value in outputs.parameters.items():
                collected.parameters[key].extend(value if isinstance(value, Collected) else [value])
            for key, artifacts in outputs.artifacts.items():
                collected.artifacts.setdefault(key, []).extend(artifacts)
        return collected

    def are_settled(self, count: int, path: tuple[str, ...]) -> bool:
        """Whether it is known how often the task at a path runs in the first iterations."""
        return len(self._iterations) >= count and all(one.is_settled(path) for one in self._iterations[:count])

    def is_settled(self, path: tuple[str, ...]) -> bool:
        """Whether it is known how often the task at a path runs in it."""
        return self.ended is not None or self.are_settled(len(self.items), path)
