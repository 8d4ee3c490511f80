"""The recording of a step of a run: its task in the compiled pipeline, and its inputs and outputs in ML Metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import KfpError, PipelineError
from fairing_kfp.pipeline.specification import Specification

if TYPE_CHECKING:
    from fairing_kfp.remote.metadata import Execution
    from fairing_kfp.remote.run import Run
    from fairing_kfp.remote.step import Step


TaskAndComponent = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A task (PipelineTaskSpec), and its component (ComponentSpec)."""


@dataclass(frozen=True)
class Recording:
    """What Kubeflow Pipelines recorded of a step.

    Attributes:
        step: the step.
        execution: its execution.
        specification: the compiled pipeline of its run.
        task: its task (PipelineTaskSpec).
        component: the task's component (ComponentSpec).
    """

    step: Step
    execution: Execution
    specification: Specification
    task: Mapping[str, Any]
    component: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The step's name, with its iteration in a loop."""
        return _titled(self.step.name, self.execution)


def recorded(run: Run, name: str, iteration: tuple[int, ...] | None = None) -> Recording:
    """The recording of a step.

    Args:
        run: its run.
        name: the step's name, as `runs show` lists it, or that of its task.
        iteration: its iteration in a loop, or in loops in each other, the outer one first.

    Raises:
        KfpError: there is no such step or iteration, it has no inputs yet, or ML Metadata does not answer.
        PipelineError: the run's pipeline is not of version 2.
    """
    executions = run.executions
    step = _chosen(run, executions, name, iteration)
    if step.name not in executions:
        cause = f"its driver failed: {step.error or 'see its log'}" if step.in_driver else f"it is {step.state}"
        raise KfpError(
            f"the inputs of the step {step.name} of the run {run.name} are not recorded: {cause}",
            "replay a step that started",
        )
    document, execution = run.pipeline, executions[step.name]
    if not document.pipeline:
        raise PipelineError(f"the run {run.name} has no compiled pipeline", "replay a run of a pipeline of version 2")
    specification = Specification("", document.pipeline, [document.platform] if document.platform else [])
    found = find_task(specification, execution.tasks)
    if found is None:
        raise PipelineError(
            f"the pipeline of the run {run.name} does not have exactly one task {step.task}",
            "report it: the records of the run do not match its pipeline",
        )
    return Recording(step, execution, specification, *found)


def find_task(specification: Specification, path: tuple[str, ...]) -> TaskAndComponent | None:
    """The task at a path of names, else the only one of the last name; None if there is none, or several."""
    components, component = specification.components, specification.document["root"]
    task: Mapping[str, Any] | None = None
    for name in path:
        task = component.get("dag", {}).get("tasks", {}).get(name)
        if task is None:
            break
        component = components[task["componentRef"]["name"]]
    if task is None:
        found = [tasks[path[-1]] for tasks in specification.graphs() if path[-1] in tasks]
        if len(found) != 1:
            return None
        (task,) = found
        component = components[task["componentRef"]["name"]]
    return task, component


def _chosen(run: Run, executions: Mapping[str, Execution], name: str, iteration: tuple[int, ...] | None) -> Step:
    """The step of a name, in an iteration if one is given.

    Raises:
        KfpError: there is none.
    """
    steps = {step.name: step for step in run.steps}
    listed = ", ".join(_titled(one, executions[one]) if one in executions else one for one in steps) or "none so far"
    step = steps.get(name)
    if step is None:
        raise KfpError(f"the run {run.name} has no step {name!r}", f"its steps: {listed}")
    if iteration is None or (name in executions and executions[name].iterations == iteration):
        return step
    for one, execution in executions.items():
        if execution.task == step.task and execution.iterations == iteration:
            return steps[one]
    raise KfpError(
        f"the step {name} of the run {run.name} has no iteration {_as_text(iteration)}", f"its steps: {listed}"
    )


def _titled(name: str, execution: Execution) -> str:
    iterations = execution.iterations
    return f"{name} (iteration {_as_text(iterations)})" if iterations else name


def _as_text(iteration: tuple[int, ...]) -> str:
    """An iteration, as `--iteration` takes it."""
    return ".".join(map(str, iteration))
