"""The error of a failed job, with the cause that Kubernetes reports for the job and its pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import Event, events_of
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.pods import PodProblem, diagnose
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.kinds.kind import DEADLINE, JobResult

_LINES = 20


@dataclass(frozen=True)
class NodeProblem:
    """A problem of one node of a job.

    Attributes:
        rank: rank of the node.
        pod: last state of its pod.
        problem: the problem.
    """

    rank: int
    pod: Object
    problem: PodProblem


def first_cause(cluster: Cluster, pods: Mapping[int, Object], events: bool = True) -> NodeProblem | None:
    """The problem that most likely caused those of the other nodes; None if there is none.

    Containers that failed take precedence over pods that wait, and over containers that were terminated because others
    failed; among equals the lowest rank.

    Args:
        cluster: cluster that is asked for events.
        pods: pods of the nodes, by rank.
        events: whether to read the events of a pod even if its status shows no problem, such as a missing volume.
    """
    by_rank = ((rank, pod, diagnose(pod)) for rank, pod in sorted(pods.items()))
    found = [NodeProblem(rank, pod, one) for rank, pod, one in by_rank if one is not None]
    if not found:
        if not pods or not events:
            return None
        rank = min(pods)
        one = diagnose(pods[rank], _events(cluster, pods[rank]))
        return NodeProblem(rank, pods[rank], one) if one is not None else None
    first = min(found, key=lambda one: (not one.problem.has_failed, one.problem.was_stopped, one.rank))
    if first.problem.has_failed:
        return first
    return replace(first, problem=diagnose(first.pod, _events(cluster, first.pod)) or first.problem)


def failure(
    cluster: Cluster, job: str, container: str, result: JobResult, cause: NodeProblem | None, logged: bool
) -> JobFailedError:
    """The error of a job that failed.

    Args:
        cluster: cluster that is asked for the last lines of the log.
        job: the job in messages.
        container: name of the container that ran the code.
        result: result of the job.
        cause: problem of a node.
        logged: whether the step's log already has the lines of that node.
    """
    reason = f"{result.reason}: {result.message}".strip(": ")
    late = result.reason == DEADLINE
    text = f"{job} exceeded its deadline ({reason})" if late else f"{job} failed"
    if late and (cause is None or _is_of_deadline(cause.problem)):
        return JobFailedError(text, "increase deadline=, or reduce the work")
    if cause is None:
        return JobFailedError(f"{text}: {reason}", "see its events: kubectl describe")
    text = f"{text}: {cause.problem.message}"
    metadata, remedy = cause.pod["metadata"], cause.problem.remedy
    lines = _last_lines(cluster, metadata["namespace"], metadata["name"], cause.problem.container or container)
    if lines and not logged:
        text += f"; the last lines of node {cause.rank}:\n" + "\n".join(f"  {line}" for line in lines)
    if any("Permission denied" in line for line in lines) and not _is_root(cause.pod):
        remedy = f"{remedy}; if the image needs root: mutators=[fairing_kfp.mutators.run_as_root()]"
    return JobFailedError(text, remedy)


def _is_of_deadline(problem: PodProblem) -> bool:
    """Whether a pod ended because the job exceeded its deadline."""
    return problem.reason == DEADLINE or (problem.was_stopped and problem.reason != "OOMKilled")


def _is_root(pod: Object) -> bool:
    return (pod["spec"].get("securityContext") or {}).get("runAsUser") == 0


def _events(cluster: Cluster, pod: Object) -> list[Event]:
    try:
        return events_of(cluster, pod)
    except ClusterError:
        return []  # events only add details


def _last_lines(cluster: Cluster, namespace: str, pod: str, container: str) -> list[str]:
    try:
        # The previous instance of a restarted container is the one that failed.
        previous = last_lines(cluster, namespace, pod, container, _LINES, previous=True)
        return previous or last_lines(cluster, namespace, pod, container, _LINES)
    except ClusterError:
        return []
