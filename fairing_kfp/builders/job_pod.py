"""The pod of a Job that builds images: waiting until it runs, and why it failed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import events_of, warnings_of
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.logs import last_lines
from fairing_kfp.cluster.pods import PodProblem, container_status, diagnose, phase_of
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.registry.stop import Stop

CONTAINER = "build"
"""Name of the container."""

_JOB_UID = "batch.kubernetes.io/controller-uid"  # a deleted Job of the same name may still have a pod
_POLL = 0.5  # seconds between requests for the pod
_EVENTS = 4.0  # seconds between requests for events
_PATIENCE = {"Unschedulable": 600.0}  # seconds until a pod that does not start fails the build
_DEFAULT_PATIENCE = 45.0
_LINES = 20


def running_pod(cluster: Cluster, name: str, namespace: str, uid: str, stop: Stop, log: Callable[[str], None]) -> str:
    """Waits until the pod of a Job runs; returns its name.

    Args:
        cluster: client of the cluster.
        name: name of the Job.
        namespace: namespace of the Job.
        uid: uid of the Job.
        stop: cancels the wait.
        log: receives messages about a pod that does not start.

    Raises:
        JobFailedError: it ended, or does not start.
    """
    since, problem, next_events, logged = time.monotonic(), None, time.monotonic() + _EVENTS, ""
    while True:
        answer = cluster.request("GET", POD.path(namespace), query={"labelSelector": f"{_JOB_UID}={uid}"})
        pod: Object | None = next(iter(answer.get("items") or []), None)
        if pod is not None:
            status = container_status(pod, CONTAINER)
            if status is not None and status.running:
                return str(pod["metadata"]["name"])
            if (status is not None and status.terminated) or phase_of(pod) in ("Failed", "Succeeded"):
                raise pod_failure(cluster, name, pod) or JobFailedError(
                    f"Job {name} ended before this machine was connected", "run it again"
                )
        if time.monotonic() >= next_events:
            next_events = time.monotonic() + _EVENTS
            problem = _problem(cluster, name, namespace, pod)
            if problem is None:
                since = time.monotonic()
            elif problem.message != logged:
                logged = problem.message
                log(f"Job {name} is pending: {problem.message}")
        if problem is not None and time.monotonic() - since > _PATIENCE.get(problem.reason, _DEFAULT_PATIENCE):
            raise JobFailedError(f"Job {name} cannot start: {problem.message}", problem.remedy)
        stop.wait(_POLL)


def _problem(cluster: Cluster, name: str, namespace: str, pod: Object | None) -> PodProblem | None:
    """Why a pod does not start, from its status and events; without a pod, from those of the Job."""
    try:
        if pod is not None:
            return diagnose(pod, events_of(cluster, pod))
        events = warnings_of(cluster, namespace, name)
    except ClusterError:
        return None  # events only add details
    if not events:
        return None
    message = f"its pod cannot be created: {events[-1].message}"
    return PodProblem(events[-1].reason, message, "fix the cause in the message, or ask an administrator to")


def pod_failure(cluster: Cluster, name: str, pod: Object) -> JobFailedError | None:
    """The error of a pod that failed, with the end of its log; None if it did not fail."""
    problem = diagnose(pod)
    if problem is None or not problem.has_failed:
        return None
    metadata = pod["metadata"]
    lines: list[str] = []
    with contextlib.suppress(ClusterError):
        lines = last_lines(cluster, metadata["namespace"], metadata["name"], CONTAINER, _LINES)
    log = "; the last lines of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
    return JobFailedError(f"Job {name} failed: {problem.message}{log}", problem.remedy)
