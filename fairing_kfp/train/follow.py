"""Following a job to its end: its state, its pods and their logs, each as it comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.cluster.apply import Placed
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD, Kind
from fairing_kfp.cluster.lines import Line
from fairing_kfp.cluster.logs import Streams
from fairing_kfp.cluster.pods import trouble
from fairing_kfp.cluster.watch import Change, follow, watch
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.crew import Crew, did_its_part
from fairing_kfp.train.ending import Found, as_it_ended, failed, worst
from fairing_kfp.train.order import Order
from fairing_kfp.train.waiting import Waiting
from fairing_kfp.train.workload import Outcome, Workload

_LAST_LINES = 15.0  # seconds in which logs come to their end after their job did
_LAST_WORDS = 1.0  # seconds for what a job wrote that is given up, or is gone
_LOOK = 2.5  # seconds between looks at the clock


@dataclass
class _Nodes:
    """The pods of a job.

    Attributes:
        pods: the last states by rank; of a rank that was started anew the newest pod's.
        failed: the last pods that failed, by rank, as they were then.
        seen: the last states of all that there ever were, by uid.
    """

    pods: dict[int, Object] = field(default_factory=dict)
    failed: dict[int, Object] = field(default_factory=dict)
    seen: dict[str, Object] = field(default_factory=dict)

    def take(self, rank: int, change: Change) -> None:
        pod, before = change.object, self.pods.get(rank)
        uid = pod["metadata"]["uid"]
        new = uid not in self.seen
        self.seen[uid] = pod
        ended = as_it_ended(pod)
        if self._tells_more(ended, self.failed.get(rank)):
            self.failed[rank] = ended
        if before is None or before["metadata"]["uid"] == uid or (new and _age(before) <= _age(pod)):
            self.pods[rank] = pod
        if change.gone and pod["status"].get("phase") == "Pending":
            self.pods.pop(rank, None)  # it waits for nothing any more

    def _tells_more(self, pod: Object, before: Object | None) -> bool:
        """Whether a pod failed; one that was told to end only if no other did."""
        found = trouble(pod)
        if found is None or not (found.ended or found.exit_code):
            return False
        return (
            before is None or found.exit_code not in (137, 143) or before["metadata"]["uid"] == pod["metadata"]["uid"]
        )

    def are_over(self) -> bool:
        """Whether no container is started anew any more, whose log would go on."""
        return all(pod["spec"].get("restartPolicy") == "Never" for pod in self.pods.values())

    def in_trouble(self) -> dict[int, Object]:
        """Those that may say why their job failed: some kinds start pods anew even then."""
        return {**self.failed, **{rank: pod for rank, pod in self.pods.items() if rank not in self.failed}}


class JobFollower:
    """Follows one job.

    Args:
        cluster: where it is.
        workload: its kind, as train steps know it.
        order: what it runs.
        executor_input: KFP's, as its nodes get it.
        token: what this step shows to its nodes.
        say: takes a sentence for the step's log.
        show: takes a line of a node's log.
    """

    def __init__(
        self,
        cluster: Cluster,
        workload: Workload,
        order: Order,
        executor_input: Mapping[str, Any],
        token: str,
        say: Callable[[str], None],
        show: Callable[[str], None],
    ) -> None:
        self._cluster, self._workload, self._order = cluster, workload, order
        self._say, self._show = say, show
        self._heard: queue.Queue[Change | Object | ClusterError] = queue.Queue()
        self._crew = Crew(cluster, order, workload.container, executor_input, token, say, self._heard.put)
        self._waiting = Waiting(cluster, order, say)
        self._nodes = _Nodes()
        self._ranks: dict[str, int] = {}
        self._unread = 0

    def to_the_end(self, kind: Kind, placed: Placed) -> None:
        """Returns when the job has succeeded and its outputs are here.

        Args:
            kind: the job's.
            placed: the job.

        Raises:
            JobFailedError: it failed, or cannot run.
            ClusterError: it was deleted, files cannot be exchanged, or Kubernetes does not answer any more.
        """
        namespace = str(placed.object["metadata"]["namespace"])
        pods = self._workload.pods(placed.name)
        streams = Streams(self._cluster, namespace, self._workload.container, self._line)
        self._listen(follow(self._cluster, kind, placed.name, namespace, uid=placed.uid))
        self._listen(watch(self._cluster, POD, namespace, labels=pods))
        try:
            outcome = self._outcome(placed.object, streams)
        except ClusterError:
            streams.join(_LAST_WORDS)
            raise
        streams.join(_LAST_LINES if outcome.succeeded or self._nodes.are_over() else _LAST_WORDS)
        self._tell_unread(streams)
        if not outcome.succeeded:
            self._renew(namespace, pods)
            found = worst(self._cluster, self._nodes.in_trouble())
            shown, container = f"{self._order.shown} of {self._order.name}", self._workload.container
            raise failed(self._cluster, shown, container, outcome, found, logged=self._is_logged(found))
        if not self._crew.fetched:
            raise JobFailedError(
                f"{self._order.shown} of {self._order.name} ended before its outputs were fetched",
                "run it again; see whether somebody else ended its first node",
            )

    def _outcome(self, job: Object, streams: Streams) -> Outcome:
        """Hears of the job and its pods, until the job is over."""
        while True:
            try:
                heard = self._heard.get(timeout=_LOOK)
            except queue.Empty:
                self._tell_unread(streams)
            else:
                if isinstance(heard, ClusterError):
                    raise heard
                if isinstance(heard, Change):
                    self._take(heard, streams)
                else:
                    job = heard
            outcome = self._workload.outcome(job, self._nodes.seen.values(), self._order.retries)
            if outcome is None and self._are_done():
                outcome = Outcome(succeeded=True)
            if outcome is not None:
                return outcome
            if self._heard.empty():
                self._waiting.look(job, self._nodes.pods)

    def _listen(self, states: Iterator[Change] | Iterator[Object]) -> None:
        def hear() -> None:
            try:
                for state in states:
                    self._heard.put(state)
            except ClusterError as error:
                self._heard.put(error)

        threading.Thread(target=hear, daemon=True).start()

    def _take(self, change: Change, streams: Streams) -> None:
        rank = self._workload.rank(change.object)
        if rank is None:
            return
        self._nodes.take(rank, change)
        self._ranks[change.object["metadata"]["name"]] = rank
        self._crew.see(rank, change.object, change.gone)
        if not change.gone and (rank == 0 or self._order.logs == "all"):
            streams.add(change.object)

    def _are_done(self) -> bool:
        """Whether all nodes did their part, which the job's controller says a second or two later."""
        done = [did_its_part(pod, self._workload.container) for pod in self._nodes.pods.values()]
        return self._crew.fetched and len(done) == self._order.nodes and all(done)

    def _renew(self, namespace: str, pods: str) -> None:
        """Sees the pods of a job that failed as they are: it may be heard of before its pods are."""
        answer = self._cluster.request("GET", POD.path(namespace), query={"labelSelector": pods})
        for pod in answer.get("items") or []:
            rank = self._workload.rank(pod)
            if rank is not None:
                self._nodes.take(rank, Change(pod))

    def _line(self, pod: str, line: Line) -> None:
        self._show(f"[{self._ranks[pod]}] {line.text}" if self._order.logs == "all" else line.text)

    def _tell_unread(self, streams: Streams) -> None:
        for failure in streams.failures[self._unread :]:
            self._unread += 1
            self._say(f"lines of a log are missing: {failure}")

    def _is_logged(self, found: Found | None) -> bool:
        return self._order.logs == "all" or found is None or found.rank == 0


def _age(pod: Object) -> str:
    return str(pod["metadata"]["creationTimestamp"])
