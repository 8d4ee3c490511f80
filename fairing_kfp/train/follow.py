"""Following a job until it finishes: its state, its pods and their logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.logs import Line, Streams
from fairing_kfp.cluster.pods import container_succeeded, diagnose, phase_of, with_last_termination
from fairing_kfp.cluster.watch import Change, Updates, follow, watch
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.attempt import Attempt
from fairing_kfp.train.failure import NodeProblem, failure, first_cause
from fairing_kfp.train.kinds.kind import JobResult, TrainingKind
from fairing_kfp.train.node_pods import NodePods
from fairing_kfp.train.pending import PendingPods
from fairing_kfp.train.rendezvous import Connect, Rendezvous
from fairing_kfp.train.spec import JobSpec

_LOG_END = 15.0  # seconds until logs are closed after the job has finished
_LOG_END_ABORTED = 1.0  # seconds until logs are closed if the step fails, or containers may restart
_TICK = 2.5  # seconds between checks of pending pods


@dataclass
class _Nodes:
    """The pods of a job.

    Attributes:
        pods: last states by rank, of the newest pod of each rank.
        failed: by rank, the last pod that failed, in the state in which it did.
        seen: last states of all pods, by UID.
    """

    pods: dict[int, Object] = field(default_factory=dict)
    failed: dict[int, Object] = field(default_factory=dict)
    seen: dict[str, Object] = field(default_factory=dict)

    def update(self, rank: int, change: Change) -> None:
        pod, previous = change.object, self.pods.get(rank)
        uid = pod["metadata"]["uid"]
        new = uid not in self.seen
        self.seen[uid] = pod
        terminated = with_last_termination(pod)
        if self._explains_more(terminated, self.failed.get(rank)):
            self.failed[rank] = terminated
        if previous is None or previous["metadata"]["uid"] == uid or (new and _created(previous) <= _created(pod)):
            self.pods[rank] = pod
        if change.deleted and phase_of(pod) == "Pending":
            self.pods.pop(rank, None)  # it is not pending anymore

    def _explains_more(self, pod: Object, previous: Object | None) -> bool:
        """Whether a pod failed; a pod that was terminated counts only if no other pod of the rank failed."""
        found = diagnose(pod)
        if found is None or not found.has_failed:
            return False
        return previous is None or not found.was_stopped or previous["metadata"]["uid"] == pod["metadata"]["uid"]

    def never_restart(self) -> bool:
        """Whether containers are never restarted, so that their logs end."""
        return all(pod["spec"].get("restartPolicy") == "Never" for pod in self.pods.values())

    def suspects(self) -> dict[int, Object]:
        """Pods that may show why the job failed: by rank, the one that failed, even if it was replaced since."""
        return {**self.pods, **self.failed}


class JobFollower:
    """Follows one job.

    Args:
        cluster: cluster of the job.
        kind: kind of job.
        spec: spec of the step.
        executor_input: KFP's ExecutorInput of the component.
        attempt: this attempt of the step, with the job.
        log: receives messages.
        log_line: receives lines of the job's log.
        connect: connects with the node in a pod; see `Rendezvous`.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: TrainingKind,
        spec: JobSpec,
        executor_input: Mapping[str, Any],
        attempt: Attempt,
        log: Callable[[str], None],
        log_line: Callable[[str], None],
        connect: Connect | None = None,
    ) -> None:
        self._cluster, self._kind, self._spec = cluster, kind, spec
        self._log, self._log_line = log, log_line
        self._updates = Updates()
        self._attempt = attempt
        self._rendezvous = Rendezvous(spec, kind.container, executor_input, attempt, log, self._updates.fail, connect)
        self._members = NodePods(cluster, attempt.job.uid, spec.image, kind.container, spec.nodes, log)
        self._pending = PendingPods(cluster, spec, log)
        self._nodes = _Nodes()
        self._ranks: dict[str, int] = {}
        self._reported = 0

    def wait(self) -> None:
        """Waits until the job has succeeded and its outputs are on this machine.

        Raises:
            JobFailedError: the job failed, or cannot run.
            ForeignObjectError: another attempt took over the job.
            ClusterError: the job was deleted, files cannot be transferred, or Kubernetes does not answer.
        """
        resource, applied, namespace = self._attempt.resource, self._attempt.job, self._attempt.namespace
        selector = self._kind.pods(applied.name)
        streams = Streams(self._cluster, namespace, self._kind.container, self._write)
        self._updates.add(follow(self._cluster, resource, applied.name, namespace, uid=applied.uid))
        self._updates.add(watch(self._cluster, POD, namespace, labels=selector))
        try:
            result = self._result(applied.object, streams)
        except (ClusterError, JobFailedError):
            streams.join(_LOG_END_ABORTED)
            raise
        streams.join(_LOG_END if result.succeeded or self._nodes.never_restart() else _LOG_END_ABORTED)
        self._report_failures(streams)
        job = f"{self._spec.shown} of {self._spec.name}"
        if not result.succeeded:
            self._refresh(namespace, selector)
            cause = first_cause(self._cluster, self._nodes.suspects())
            raise failure(self._cluster, job, self._kind.container, result, cause, logged=self._is_logged(cause))
        if not self._rendezvous.fetched:
            raise JobFailedError(
                f"{job} ended before its outputs were fetched",
                "run the pipeline again; check whether something else ended its first node",
            )

    def _result(self, job: Object, streams: Streams) -> JobResult:
        """Processes changes of the job and its pods until the job has finished."""
        while True:
            state = self._updates.get(timeout=_TICK)
            if state is None:
                self._report_failures(streams)
            elif isinstance(state, Change):
                self._update(state, streams)
            else:
                job = state
                if not self._rendezvous.fetched:
                    self._attempt.check(job)
            result = self._kind.result(job, self._nodes.seen.values(), self._spec.retries)
            if result is None and self._all_succeeded():
                result = JobResult(succeeded=True)
            if result is not None:
                return result
            if self._updates.is_empty():
                self._pending.check(job, self._nodes.pods)

    def _update(self, change: Change, streams: Streams) -> None:
        rank = self._kind.rank(change.object)
        if rank is None:
            return
        for admitted in self._members.admitted(rank, change):
            pod = admitted.object
            self._nodes.update(rank, admitted)
            self._ranks[pod["metadata"]["name"]] = rank
            self._rendezvous.update(rank, pod, admitted.deleted)
            if not admitted.deleted and (rank == 0 or self._spec.logs == "all"):
                streams.add(pod)

    def _all_succeeded(self) -> bool:
        """Whether all nodes have succeeded, which the job's status shows a second or two later."""
        succeeded = [container_succeeded(pod, self._kind.container) for pod in self._nodes.pods.values()]
        return self._rendezvous.fetched and len(succeeded) == self._spec.nodes and all(succeeded)

    def _refresh(self, namespace: str, selector: str) -> None:
        """Lists the pods of a failed job, since its watch may report the failure before that of the pods does."""
        answer = self._cluster.request("GET", POD.path(namespace), query={"labelSelector": selector})
        for pod in answer.get("items") or []:
            rank = self._kind.rank(pod)
            if rank is not None:
                for admitted in self._members.admitted(rank, Change(pod)):
                    self._nodes.update(rank, admitted)

    def _write(self, pod: str, line: Line) -> None:
        self._log_line(f"[{self._ranks[pod]}] {line.text}" if self._spec.logs == "all" else line.text)

    def _report_failures(self, streams: Streams) -> None:
        for error in streams.failures[self._reported :]:
            self._reported += 1
            self._log(f"log lines are missing: {error}")

    def _is_logged(self, cause: NodeProblem | None) -> bool:
        return self._spec.logs == "all" or cause is None or cause.rank == 0


def _created(pod: Object) -> str:
    return str(pod["metadata"]["creationTimestamp"])
