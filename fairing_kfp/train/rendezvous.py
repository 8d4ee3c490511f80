"""The rendezvous of a job's nodes: each gets the inputs, all start together, and the first returns the outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.pods import container_status, container_succeeded
from fairing_kfp.errors import ClusterError, MissingObjectError
from fairing_kfp.runtime.node import ENDED, WAITING
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.attempt import Attempt
from fairing_kfp.train.node_client import File, Node, inputs_of
from fairing_kfp.train.size import human_size
from fairing_kfp.train.spec import JobSpec

Connect = Callable[[Object, str, Callable[[], bool]], Node]
"""Connects with the node in a pod: takes the pod, the token of the step, and whether the container still runs."""

_HEARTBEAT = 10.0  # seconds between requests to a node that waits for others, which ends if its step is gone


@dataclass
class _Members:
    """The nodes of a job, shared by all threads.

    Attributes:
        size: number of nodes.
        changed: notified when a node is added, removed or ready.
        incarnations: the running incarnation of each pod's container, by UID of the pod; None if none runs.
        ready: incarnation and address of the nodes that have their inputs, by rank.
    """

    size: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    incarnations: dict[str, str | None] = field(default_factory=dict)
    ready: dict[int, tuple[str, str]] = field(default_factory=dict)

    def peers(self) -> tuple[str, ...]:
        """The addresses of all nodes by rank; empty until all are ready."""
        if len(self.ready) < self.size:
            return ()
        return tuple(address for _, (_, address) in sorted(self.ready.items()))


class Rendezvous:
    """All nodes of a job, each served by a thread.

    Args:
        spec: spec of the step.
        container: name of the container that runs the code.
        executor_input: KFP's ExecutorInput of the component.
        attempt: this attempt of the step.
        log: receives messages.
        fail: receives errors that the job cannot recover from.
        connect: connects with the node in a pod; by default at the pod's IP address.

    Attributes:
        fetched: whether the outputs have been fetched.
    """

    def __init__(
        self,
        spec: JobSpec,
        container: str,
        executor_input: Mapping[str, Any],
        attempt: Attempt,
        log: Callable[[str], None],
        fail: Callable[[ClusterError], None],
        connect: Connect | None = None,
    ) -> None:
        self._connect = connect or _connect_by_address
        self._spec, self._container = spec, container
        self._executor_input = dict(executor_input)
        self._attempt, self._log, self._fail = attempt, log, fail
        self._members = _Members(spec.nodes)
        self._served: set[str] = set()
        self.fetched = False

    def update(self, rank: int, pod: Object, gone: bool = False) -> None:
        """Takes the state of a node's pod, and serves the node once its container runs.

        Args:
            rank: rank of the node.
            pod: last state of the pod.
            gone: whether the pod was deleted.
        """
        uid = pod["metadata"]["uid"]
        incarnation = None if gone else incarnation_of(pod, self._container)
        with self._members.changed:
            self._members.incarnations[uid] = incarnation
            ready, _ = self._members.ready.get(rank, ("", ""))
            # A node that succeeded stays a peer of nodes that restart.
            if ready.startswith(f"{uid}/") and ready != incarnation and not container_succeeded(pod, self._container):
                del self._members.ready[rank]
            self._members.changed.notify_all()
        if incarnation and incarnation not in self._served:
            self._served.add(incarnation)
            self._start_thread(rank, pod, incarnation, lambda node: self._serve(rank, pod, incarnation, node))

    def _start_thread(self, rank: int, pod: Object, incarnation: str, act: Callable[[Node], None]) -> None:
        uid = pod["metadata"]["uid"]

        def alive() -> bool:
            return self._members.incarnations.get(uid) == incarnation

        def run() -> None:
            try:
                act(self._connect(pod, self._attempt.token, alive))
            except ClusterError as error:
                # If the container has exited, the status of its pod has the cause.
                if alive() and not isinstance(error, MissingObjectError):
                    self._fail(error)
            except Exception as error:  # the node would wait forever
                self._fail(ClusterError(f"cannot serve node {rank}: {error!r}", "report this, with the log"))

        threading.Thread(target=run, daemon=True).start()

    def _serve(self, rank: int, pod: Object, incarnation: str, node: Node) -> None:
        uid = pod["metadata"]["uid"]
        self._attempt.announce(pod)
        state = node.state(0)
        if state["phase"] == WAITING:
            files = inputs_of(self._executor_input)
            if files:
                self._log(f"sending {_size(files)} of inputs to node {rank}")
            node.send(files)
        if rank == 0:
            self._start_thread(rank, pod, incarnation, self._fetch)
        with self._members.changed:
            if self._members.incarnations.get(uid) != incarnation:
                return
            self._members.ready[rank] = (incarnation, pod["status"]["podIP"])
            self._members.changed.notify_all()
        self._start(rank, uid, incarnation, node, tuple(state["peers"]))

    def _start(self, rank: int, uid: str, incarnation: str, node: Node, current: tuple[str, ...]) -> None:
        """Starts a node when all are ready; restarts it when its peers change, if the framework connects them.

        Args:
            rank: rank of the node.
            uid: UID of its pod.
            incarnation: the incarnation to start; the method returns when it has exited.
            node: the node.
            current: peers with which the node was started; empty if it was not.
        """
        members = self._members

        def is_due() -> bool:
            return bool(members.peers()) and members.peers() != current

        while not current or self._spec.framework:
            with members.changed:
                members.changed.wait_for(lambda: members.incarnations.get(uid) != incarnation or is_due(), _HEARTBEAT)
                if members.incarnations.get(uid) != incarnation:
                    return
                peers = members.peers() if is_due() else ()
            if not peers:
                if not current:
                    node.state(0)
                continue
            node.start(Work(self._executor_input, rank, peers, self._spec.framework, self._spec.processes))
            self._log(f"{'restarted' if current else 'started'} node {rank}")
            current = peers

    def _fetch(self, node: Node) -> None:
        """Waits until the code of the first node exits, and fetches its outputs."""
        while (state := node.state())["phase"] != ENDED:
            pass
        if state["code"] == 0:
            files = node.outputs(self._executor_input)
            self._log(f"node 0 succeeded; fetching {_size(files)} of outputs")
            node.fetch(files)
            self._attempt.check()  # the winner needs the node's outputs, too
            self.fetched = True
            node.end()


def incarnation_of(pod: Object, container: str) -> str | None:
    """The running incarnation of a container (`UID/RESTARTS`), since the kubelet may restart it; None if none runs."""
    status = container_status(pod, container)
    if status is None or not status.running or not pod["status"].get("podIP"):
        return None
    return f"{pod['metadata']['uid']}/{status.restarts}"


def _connect_by_address(pod: Object, token: str, alive: Callable[[], bool]) -> Node:
    return Node(pod["status"]["podIP"], token, alive)


def _size(files: Sequence[File]) -> str:
    return human_size(sum(size for _, size in files))
