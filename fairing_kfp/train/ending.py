"""Why a job failed: what Kubernetes says of it and of its pods, as one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import Event, events_of
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.pods import Trouble, trouble
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.workload import DEADLINE, Outcome

_LINES = 20


@dataclass(frozen=True)
class Found:
    """What is wrong with one node of a job.

    Attributes:
        rank: which node.
        pod: its pod as it was last.
        trouble: what is wrong.
    """

    rank: int
    pod: Object
    trouble: Trouble


def worst(cluster: Cluster, pods: Mapping[int, Object], deep: bool = True) -> Found | None:
    """What is wrong with the nodes of a job: of several the one that ended by itself, and of those the first.

    Args:
        cluster: is asked for events, which say more.
        pods: those of the nodes, by rank.
        deep: whether events are asked for even of a pod that only seems to wait, as for a volume.
    """
    seen = ((rank, pod, trouble(pod)) for rank, pod in sorted(pods.items()))
    found = [Found(rank, pod, one) for rank, pod, one in seen if one is not None]
    if not found:
        rank = min(pods, default=None) if deep else None
        one = trouble(pods[rank], _events(cluster, pods[rank])) if rank is not None else None
        return Found(rank, pods[rank], one) if rank is not None and one is not None else None
    # Nodes that were told to end, as others failed, are of no interest.
    first = min(found, key=lambda one: (not _is_end(one.trouble), one.trouble.exit_code in (143, 137), one.rank))
    if _is_end(first.trouble):
        return first
    return replace(first, trouble=trouble(first.pod, _events(cluster, first.pod)) or first.trouble)


def _is_end(trouble: Trouble) -> bool:
    return trouble.ended or bool(trouble.exit_code)


def as_it_ended(pod: Object) -> Object:
    """A pod with the containers that the kubelet started anew as they were before, for their end tells why."""
    status = pod.get("status") or {}
    statuses = [_ended(one) for one in status.get("containerStatuses") or []]
    return {**pod, "status": {**status, "containerStatuses": statuses}}


def _ended(status: Object) -> Object:
    before = (status.get("lastState") or {}).get("terminated")
    over = (status.get("state") or {}).get("terminated")
    return {**status, "state": {"terminated": before}} if before and not over else status


def failed(
    cluster: Cluster, shown: str, container: str, outcome: Outcome, found: Found | None, logged: bool
) -> JobFailedError:
    """The error of a job that failed.

    Args:
        cluster: is asked for last lines.
        shown: the job, in words.
        container: the name of the container that ran the code.
        outcome: how the job ended.
        found: what is wrong with its nodes.
        logged: whether that node's lines are in the step's log already.
    """
    why = f"{outcome.reason}: {outcome.message}".strip(": ")
    late = outcome.reason == DEADLINE
    what = f"{shown} ran out of time ({why})" if late else f"{shown} failed"
    if found is None:
        longer = "allow it more time (deadline=…), or let it do less"
        return JobFailedError(
            what if late else f"{what}: {why}", longer if late else "see its events: kubectl describe"
        )
    text = f"{what}: {found.trouble.message}"
    if not logged:
        metadata = found.pod["metadata"]
        name = found.trouble.container or container
        lines = _last(cluster, metadata["namespace"], metadata["name"], name)
        if lines:
            text += f"; the last lines of node {found.rank}:\n" + "\n".join(f"  {line}" for line in lines)
    return JobFailedError(text, found.trouble.remedy)


def _events(cluster: Cluster, pod: Object) -> list[Event]:
    try:
        return events_of(cluster, pod)
    except ClusterError:
        return []  # they are a help, and no more


def _last(cluster: Cluster, namespace: str, pod: str, container: str) -> list[str]:
    try:
        # Of one that was started anew, those of the life that failed.
        earlier = last_lines(cluster, namespace, pod, container, _LINES, previous=True)
        return earlier or last_lines(cluster, namespace, pod, container, _LINES)
    except ClusterError:
        return []
