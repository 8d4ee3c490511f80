"""The nodes of an Argo workflow as Kubeflow Pipelines' API lists them: `PipelineTaskDetail` without a node's own id."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import kfp_server_api

START = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
_NEVER = datetime(1, 1, 1, tzinfo=timezone.utc)  # how Go writes a missing time


def fnv1a(text: str) -> int:
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def node_id(workflow: str, *path: str) -> str:
    """An id as Argo makes it: the workflow, and the hash of the node's name."""
    name = ".".join((workflow, *path))
    return workflow if not path else f"{workflow}-{fnv1a(name)}"


def detail(name: str, state: str, start: float | None, end: float | None, *children: str) -> Any:
    return kfp_server_api.V2beta1PipelineTaskDetail(
        task_id=f"task-{name}-{start}",
        display_name=name,
        state=state,
        create_time=START,
        start_time=_NEVER if start is None else START + timedelta(seconds=start),
        end_time=_NEVER if end is None else START + timedelta(seconds=end),
        child_tasks=[kfp_server_api.PipelineTaskDetailChildTask(pod_name=child) for child in children],
    )


def step(
    name: str,
    state: str,
    start: float,
    end: float | None = None,
    *,
    workflow: str = "digits-x7k2p",
    parent: str = "root",
) -> list[Any]:
    """The nodes of a step: its driver, the step, its executor. A cached step's executor is skipped.

    Args:
        name: the task's name.
        state: `RUNNING`, `SUCCEEDED`, `FAILED`, `CACHED`, `DRIVER` (its driver runs) or `DRIVER_FAILED`.
        start: seconds from the start of the run.
        end: seconds from the start of the run.
        workflow: the workflow's name.
        parent: the path of the DAG with the task.
    """
    path = (*parent.split("."), name)
    own, executor = node_id(workflow, *path), node_id(workflow, *path, "executor")
    if state in ("DRIVER", "DRIVER_FAILED"):
        return [detail(f"{name}-driver", "RUNNING" if state == "DRIVER" else "FAILED", start, end, own)]
    driver = detail(f"{name}-driver", "SUCCEEDED", start - 5, start, own)
    if state == "CACHED":
        return [
            driver,
            detail(name, "SUCCEEDED", start, start, executor),
            detail("executor", "SKIPPED", start, start),
        ]
    return [driver, detail(name, state, start, end, executor), detail("executor", state, start, end)]


def pod_name(name: str, *, workflow: str = "digits-x7k2p", parent: str = "root", template: str = "") -> str:
    """The name of the pod of a step."""
    number = fnv1a(".".join((workflow, parent, name, "executor")))
    return f"{workflow}-{template or 'system-container-impl'}-{number}"
