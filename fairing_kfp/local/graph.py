"""The graph of a compiled pipeline, run as KFP's driver does: conditions, loops, exit handlers and outputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.local.scope import with_defaults
from fairing_kfp.local.task import SUCCEEDED, RunTask, Values
from fairing_kfp.local.values import as_passed
from fairing_kfp.local.walk import Dag, Run, Step
from fairing_kfp.local.workers import workers

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification


def run_graph(
    specification: Specification,
    arguments: Mapping[str, Any],
    run: str,
    run_task: RunTask,
    parallel: int = 1,
    stop: Callable[[], None] = lambda: None,
) -> Values | None:
    """Runs a compiled pipeline, and returns its outputs; None if a task failed.

    Of the tasks that may start, the first in the order of the graph starts. After a failure only exit handlers start,
    as on KFP; tasks that run side by side end.

    Args:
        specification: the pipeline.
        arguments: arguments of the pipeline.
        run: name of the run.
        run_task: runs a task; called in several threads if more than one may run at a time.
        parallel: how many tasks may run at a time.
        stop: ends the tasks that run; called if the walk is interrupted.

    Raises:
        PipelineError: a value does not have the type of the parameter that it is passed to.
    """
    root = specification.document["root"]
    walk = Run(specification, run, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    dag = Dag(walk, root, Values(with_defaults(root, as_passed(dict(arguments)), nulls=True)))
    with workers(run_task, parallel, stop) as crew:
        running: dict[str, Step] = {}
        while True:
            ready = dag.poll()
            while len(running) < parallel and (step := next(ready, None)):
                if task := step.start():
                    running[task.step] = step
                    crew.start(task)
            if dag.ended is not None:
                break
            if not running:
                raise RuntimeError(f"no task of {walk.pipeline} can start")
            name, outputs, problem = crew.wait()
            running.pop(name).end(outputs, problem)
    if walk.problem is not None:
        raise walk.problem
    return dag.ended.outputs if dag.ended.state == SUCCEEDED else None
