"""Following a job to its end: its state, its pods and their logs, each as it comes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fairing_kfp.cluster.apply import Placed
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD, Kind
from fairing_kfp.cluster.lines import Line
from fairing_kfp.cluster.logs import Streams
from fairing_kfp.cluster.pods import Trouble
from fairing_kfp.cluster.watch import Change, follow, watch
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.crew import Crew
from fairing_kfp.train.ending import Found, failed, worst
from fairing_kfp.train.order import Order
from fairing_kfp.train.workload import Outcome, Workload

_LAST_LINES = 15.0  # seconds in which logs come to their end after their job did
_STUBBORN = 60.0  # seconds after which an image or volume that does not come is given up; the kubelet tried thrice
_AGAIN = 300.0  # seconds after which what keeps a node from running is said once more
_LOOK = 5.0  # seconds between looks at the clock


@dataclass
class _Nodes:
    """The last states of a job's pods by rank, and since when which of them cannot start."""

    pods: dict[int, Object] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)

    def take(self, rank: int, change: Change) -> None:
        before = self.pods.get(rank)
        older = before is not None and _age(before) > _age(change.object)
        if not older:  # of a rank that was started anew only the newest pod counts
            self.pods[rank] = change.object


class JobFollower:
    """Follows one job.

    Args:
        cluster: where it is.
        workload: its kind, as train steps know it.
        order: what it runs.
        crew: attends its nodes.
        say: takes a sentence for the step's log.
        show: takes a line of a node's log.
    """

    def __init__(
        self,
        cluster: Cluster,
        workload: Workload,
        order: Order,
        crew: Crew,
        say: Callable[[str], None],
        show: Callable[[str], None],
    ) -> None:
        self._cluster, self._workload, self._order, self._crew = cluster, workload, order, crew
        self._say, self._show = say, show
        self._nodes = _Nodes()
        self._ranks: dict[str, int] = {}
        self._heard: queue.Queue[Change | Object | ClusterError] = queue.Queue()
        self._said: tuple[str, float] = ("", 0.0)
        self._begun = time.monotonic()

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
        streams = Streams(self._cluster, namespace, self._workload.container, self._line)
        states = follow(self._cluster, kind, placed.name, namespace, uid=placed.uid)
        self._listen(states)
        self._listen(watch(self._cluster, POD, namespace, labels=self._workload.pods(placed.name)))
        outcome, state = None, placed.object
        while outcome is None:
            try:
                heard = self._heard.get(timeout=_LOOK)
            except queue.Empty:
                self._check_nodes()
                continue
            if isinstance(heard, ClusterError):
                raise heard
            if isinstance(heard, Change):
                self._take(heard, streams)
            else:
                state = heard
            outcome = self._workload.outcome(state, self._nodes.pods.values(), self._order.retries)
            if self._crew.failure:
                raise self._crew.failure
        self._end(outcome, streams)

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
        name = change.object["metadata"]["name"]
        self._ranks[name] = rank
        running = not change.gone and self._runs(change.object)
        self._crew.see(rank, change.object, running)
        if not change.gone and (rank == 0 or self._order.logs == "all"):
            streams.add(change.object)
        if not change.gone:
            self._check_nodes()

    def _runs(self, pod: Object) -> bool:
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        states = [one.get("state") or {} for one in statuses if one["name"] == self._workload.container]
        return bool(pod["status"].get("podIP")) and any("running" in state for state in states)

    def _line(self, pod: str, line: Line) -> None:
        self._show(f"[{self._ranks[pod]}] {line.text}" if self._order.logs == "all" else line.text)

    def _check_nodes(self) -> None:
        """Says what keeps nodes from running, and gives up on what will not change."""
        now = time.monotonic()
        pending = {
            rank: pod for rank, pod in self._nodes.pods.items() if (pod.get("status") or {}).get("phase") == "Pending"
        }
        found = worst(self._cluster, pending) if pending else None
        if found is None or found.trouble.ended:
            self._nodes.waiting.clear()
            return
        since = self._nodes.waiting.setdefault(found.pod["metadata"]["uid"], now)
        if self._said[0] != found.trouble.reason or now - self._said[1] > _AGAIN:
            self._said = (found.trouble.reason, now)
            self._say(f"node {found.rank} waits: {found.trouble.message}")
        allowed = self._allowed(found.trouble)
        if now - since > allowed:
            raise JobFailedError(
                f"{self._order.shown} of {self._order.name} cannot start: node {found.rank} waited "
                f"{now - since:.0f} seconds: {found.trouble.message}",
                found.trouble.remedy,
            )

    def _allowed(self, trouble: Trouble) -> float:
        return (
            self._order.start_within if trouble.reason == "Unschedulable" else min(_STUBBORN, self._order.start_within)
        )

    def _end(self, outcome: Outcome, streams: Streams) -> None:
        streams.join(_LAST_LINES)
        for failure in streams.failures:
            self._say(f"lines of a log are missing: {failure.message}")
        if not outcome.succeeded:
            found = worst(self._cluster, self._nodes.pods)
            raise failed(
                self._cluster,
                f"{self._order.shown} of {self._order.name}",
                self._workload.container,
                outcome,
                found,
                logged=self._is_logged(found),
            )
        if not self._crew.fetched:
            raise JobFailedError(
                f"{self._order.shown} of {self._order.name} ended before its outputs were fetched",
                "run it again; see whether somebody else ended its first node",
            )

    def _is_logged(self, found: Found | None) -> bool:
        return self._order.logs == "all" or found is None or found.rank == 0


def _age(pod: Object) -> str:
    return str(pod["metadata"]["creationTimestamp"])
