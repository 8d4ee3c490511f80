"""The steps of a run, from the nodes of its Argo workflow that the API reports.

The API of KFP 2.17 lists the nodes by display name, without a node's own id. A task `train` of the pipeline has three:
`train-driver`, `train` (its state and times are those of the step), and below it `executor`, which is skipped if KFP
reuses the outputs of an earlier run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fairing_kfp.pipeline.specification import unused_name

FINAL = frozenset({"succeeded", "failed", "skipped", "canceled"})
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Step:
    """A step of a run.

    Attributes:
        name: the task's name in the pipeline, with a number from its second time on: `train-2`, if no task has
            that name.
        state: `pending`, `running`, `succeeded`, `failed`, `skipped` or `canceled`.
        started: when it started; None if it did not.
        ended: when it ended; None if it did not.
        cached: whether KFP reused the outputs of an earlier run.
        error: the cause of a failure, if KFP reports it.
        in_driver: whether it failed before its container started.
        nodes: ids of the workflow's nodes below it; its pod's name is derived from them.
        pod: name of its pod, if KFP reports it.
        task: the task's name in the pipeline.
    """

    name: str
    state: str
    started: datetime | None = None
    ended: datetime | None = None
    cached: bool = False
    error: str = ""
    in_driver: bool = False
    nodes: tuple[str, ...] = field(default=(), repr=False)
    pod: str = field(default="", repr=False)
    task: str = field(default="", repr=False)

    @property
    def seconds(self) -> float:
        """Its duration; 0 if it did not end."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else 0.0


def run_state(run: Any) -> str:
    """The state of a run (`V2beta1Run`), in lower case."""
    return _state(run.state) or "pending"


def steps_of(run: Any, document: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of a run: those that started in the order in which they did, then the others.

    Args:
        run: the run, as the API describes it (`V2beta1Run`).
        document: its pipeline (PipelineSpec).
    """
    details = (run.run_details.task_details if run.run_details else None) or []
    by_name: dict[str, list[Any]] = defaultdict(list)
    for detail in details:
        by_name[detail.display_name or ""].append(detail)
    is_over = run_state(run) in FINAL
    executors = by_name.get("executor", [])
    found: list[tuple[str, Step]] = []
    for name in task_names(document):
        its = [(name, _step(name, detail, executors)) for detail in by_name.get(name, [])]
        drivers = sorted(by_name.get(f"{name}-driver", []), key=_start)
        # The last drivers without a node run, or the workflow starts their nodes next.
        alive = [driver for driver in drivers if _state(driver.state) != "failed"]
        waiting = alive[min(len(its), len(alive)) :]
        its += [(name, _in_driver(name, driver)) for driver in drivers if _state(driver.state) == "failed"]
        its += [(name, Step(name, "pending", _time(driver.start_time))) for driver in waiting]
        found += its or [(name, Step(name, "pending"))]
    if is_over:
        found = [(name, _ended(step)) for name, step in found]
    return tuple(_numbered(sorted(found, key=lambda one: (one[1].started is None, one[1].started))))


def is_settled(run: Any) -> bool:
    """Whether the nodes of a run that is over are over, too: KFP records them after the run's state."""
    details = (run.run_details.task_details if run.run_details else None) or []
    return not any(_state(detail.state) in ("running", "pending") for detail in details)


def task_names(document: Mapping[str, Any]) -> list[str]:
    """The names of a pipeline's tasks that run something, in nested pipelines too; each once."""
    components = document.get("components", {})
    graphs = [one["dag"]["tasks"] for one in (document.get("root", {}), *components.values()) if "dag" in one]
    names = (
        name
        for tasks in graphs
        for name, task in tasks.items()
        if "dag" not in components.get(task.get("componentRef", {}).get("name"), {})
    )
    return list(dict.fromkeys(names))


def _step(name: str, detail: Any, executors: Sequence[Any]) -> Step:
    state = _state(detail.state) or "pending"
    return Step(
        name,
        state,
        started=_time(detail.start_time),
        ended=_time(detail.end_time) if state in FINAL else None,
        cached=state == "succeeded" and _is_cached(detail, executors),
        error=(detail.error.message or "") if detail.error else "",
        nodes=tuple(child.pod_name for child in detail.child_tasks or [] if child.pod_name),
        pod=detail.pod_name or "",
    )


def _in_driver(name: str, driver: Any) -> Step:
    error = (driver.error.message or "") if driver.error else ""
    return Step(name, "failed", _time(driver.start_time), _time(driver.end_time), error=error, in_driver=True)


def _is_cached(detail: Any, executors: Iterable[Any]) -> bool:
    """Whether a step's executor was skipped.

    The API does not say which executor belongs to which step: it is the one that started with it and ended with it.
    """
    start, end = _time(detail.start_time), _time(detail.end_time)
    if start is None or end is None:
        return False
    its = [
        one
        for one in executors
        if (began := _time(one.start_time))
        and (ended := _time(one.end_time))
        and abs(began - start) <= _SECOND
        and abs(ended - end) <= _SECOND
    ]
    return bool(its) and all(_state(one.state) == "skipped" for one in its)


def _ended(step: Step) -> Step:
    """A step after the end of its run: what has not ended never ran."""
    if step.state in FINAL:
        return step
    return replace(step, state="canceled" if step.state == "running" else "skipped")


def _numbered(found: Sequence[tuple[str, Step]]) -> Iterator[Step]:
    own = {name for name, _ in found}
    taken: set[str] = set()
    for name, step in found:
        unique = unused_name(name, taken | own) if name in taken else name  # `train-2` may be another task
        taken.add(unique)
        yield replace(step, name=unique, task=name)


def _state(state: Any) -> str:
    """A state in lower case; empty if the node was omitted, or has none yet."""
    text = str(state or "").lower()
    return "" if text == "runtime_state_unspecified" else text


def _time(value: datetime | None) -> datetime | None:
    """A time; None for those that Go writes for a missing one."""
    return value if value and value.year > 1970 else None


def _start(detail: Any) -> float:
    start = _time(detail.start_time)
    return start.timestamp() if start else float("inf")
