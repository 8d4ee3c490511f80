"""Which steps KFP can answer from the outputs of earlier runs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fairing_kfp.comparison.change import Reuse
from fairing_kfp.comparison.task import Origin, Path, Task

CACHING_OFF = "its caching is off"
"""Why a step runs in each run, whatever changed."""

_PER_RUN = re.compile(r"\{\{\$\.pipeline_(?:job_[a-z_]+|task_uuid)\}\}")
"""Placeholders that KFP replaces by other values in each run."""


def reuse_of(task: Task, own: Reuse, made: Mapping[Path, Reuse], tasks: Mapping[Path, Task]) -> tuple[Reuse, str]:
    """Whether KFP can reuse the outputs of a task, and why not.

    Args:
        task: the task.
        own: the same for its own changes, whatever its inputs are.
        made: the same for the tasks before it.
        tasks: the tasks by path.
    """
    if not task.is_cached:
        return "no", CACHING_OFF
    if own == "no":
        return "no", ""
    for name, origin in task.parameters.items():
        if not origin.producers and _PER_RUN.search(origin.value):
            return "no", f"its input {name} differs in each run"
    if not task.cache_key:
        found = _first(task.artifacts, made, tasks, "no")
        if found:
            return "no", f"{found[1]} makes its input {found[0]} again"
        for origins, limit in ((task.artifacts, "maybe"), (task.parameters, "maybe"), (task.parameters, "no")):
            found = _first(origins, made, tasks, limit)
            if found:
                return "maybe", f"unless {found[1]} returns the same {found[0]}"
    return own, ""


def _first(
    origins: Mapping[str, Origin], made: Mapping[Path, Reuse], tasks: Mapping[Path, Task], reuse: str
) -> tuple[str, str] | None:
    """The first input that comes from a task with this answer: its name, and the task's."""
    for name, origin in origins.items():
        for path in origin.producers:
            if made.get(path) == reuse:
                return name, tasks[path].name
    return None
