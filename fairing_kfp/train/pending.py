"""Pods of a job that do not run: the cause is logged, and the step fails if the cause persists."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import warnings_of
from fairing_kfp.cluster.pods import PodProblem, phase_of
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.failure import first_cause
from fairing_kfp.train.spec import JobSpec

_PERSISTENT = 60.0  # seconds until a missing image or volume fails the step; the kubelet has tried 3 times by then
_REPEAT = 300.0  # seconds until the same cause is logged again
_PAUSES = (5.0, 5.0, 10.0, 20.0)  # seconds between requests for events

_SAME = {"ErrImagePull": "ImagePullBackOff"}  # the kubelet alternates between them
_QUOTA, _REJECTED = "ExceededQuota", "FailedCreate"


class PendingPods:
    """Checks the pods of a job that do not run yet.

    Args:
        cluster: cluster of the job.
        spec: spec of the step.
        log: receives messages.
    """

    def __init__(self, cluster: Cluster, spec: JobSpec, log: Callable[[str], None]) -> None:
        self._cluster, self._spec, self._log = cluster, spec, log
        self._since: dict[str, float] = {}
        self._logged = ("", 0.0)
        self._requests, self._next_request = 0, time.monotonic() + _PAUSES[0]

    def check(self, job: Object, pods: Mapping[int, Object]) -> None:
        """Logs why pods are pending. Called after each change, and regularly.

        Args:
            job: last state of the job.
            pods: last states of its pods, by rank.

        Raises:
            JobFailedError: a pod has been pending for too long.
        """
        pending = {rank: pod for rank, pod in pods.items() if phase_of(pod) == "Pending"}
        if not pending and len(pods) >= self._spec.nodes:
            self._since.clear()
            return
        due = time.monotonic() >= self._next_request
        if due:
            self._requests += 1
            self._next_request = time.monotonic() + _PAUSES[min(self._requests, len(_PAUSES) - 1)]
        found = first_cause(self._cluster, pending, events=due)
        if found is not None and not found.problem.ended:
            self._report(found.pod["metadata"]["uid"], f"node {found.rank}", found.problem)
        elif due and not pending:
            self._check_missing_pods(job)
        elif due:
            self._since.clear()

    def _check_missing_pods(self, job: Object) -> None:
        """Finds out why pods are not created, from the events of the job and of the objects that it created."""
        metadata = job["metadata"]
        name = f"job {metadata['name']}"
        if (job.get("spec") or {}).get("suspend"):
            self._log_once(f"{name} is suspended; waiting until it is resumed", "Suspended")
            return
        try:
            events = warnings_of(self._cluster, metadata["namespace"], metadata["name"])
        except ClusterError:
            return  # events only add details
        if events:
            message = events[-1].message
            reason, remedy = _REJECTED, "fix the cause in the message, or ask an administrator to"
            if "quota" in message:
                reason, remedy = _QUOTA, "request fewer resources, or wait until other jobs have finished"
            self._report(metadata["uid"], name, PodProblem(reason, f"its pods cannot be created: {message}", remedy))

    def _report(self, uid: str, name: str, problem: PodProblem) -> None:
        now = time.monotonic()
        since = self._since.setdefault(uid, now)
        self._log_once(f"{name} is pending: {problem.message}", problem.reason)
        within = self._spec.start_within
        limit = within if problem.reason in ("Unschedulable", _QUOTA) else min(_PERSISTENT, within)
        if now - since > limit:
            raise JobFailedError(
                f"{self._spec.shown} of {self._spec.name} cannot start: "
                f"{name} was pending for {now - since:.0f} seconds: {problem.message}",
                problem.remedy,
            )

    def _log_once(self, message: str, reason: str) -> None:
        reason = _SAME.get(reason, reason)
        if self._logged[0] != reason or time.monotonic() - self._logged[1] > _REPEAT:
            self._logged = (reason, time.monotonic())
            self._log(message)
