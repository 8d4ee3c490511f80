"""The nodes of a job as they come: each is given the inputs, all start together, and the first gives the outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.errors import ClusterError, MissingObjectError
from fairing_kfp.runtime.node import ENDED, WAITING
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.exchange import File, Node, inputs_of, verifier_of
from fairing_kfp.train.order import Order
from fairing_kfp.train.template import ANNOTATION

_BEAT = 10.0  # seconds, in which a node that waits for others hears of its step


@dataclass
class _Roll:
    """Which nodes there are: all threads share it.

    Attributes:
        lives: of pods, by their uids: which life of its container runs the code, or None.
        ready: the nodes that have their inputs, by rank: their life and address.
    """

    nodes: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    lives: dict[str, str | None] = field(default_factory=dict)
    ready: dict[int, tuple[str, str]] = field(default_factory=dict)

    def peers(self) -> tuple[str, ...]:
        """The addresses of all nodes by rank; none while some lack."""
        if len(self.ready) < self.nodes:
            return ()
        return tuple(address for _, (_, address) in sorted(self.ready.items()))


class Crew:
    """All nodes of one job, each attended by a thread of its own.

    Args:
        cluster: where the pods are.
        order: what is run.
        container: the name of the container that runs the code.
        executor_input: KFP's, as the nodes get it.
        token: what this step shows to nodes.
        say: takes a sentence for the step's log.
        fail: takes what keeps the job from its end.
    """

    def __init__(
        self,
        cluster: Cluster,
        order: Order,
        container: str,
        executor_input: Mapping[str, Any],
        token: str,
        say: Callable[[str], None],
        fail: Callable[[ClusterError], None],
    ) -> None:
        self._cluster, self._order, self._container = cluster, order, container
        self._executor_input = dict(executor_input)
        self._token, self._say, self._fail = token, say, fail
        self._roll = _Roll(order.nodes)
        self._met: set[str] = set()
        self.fetched = False

    def see(self, rank: int, pod: Object, gone: bool = False) -> None:
        """Takes the state of a node's pod; attends it from when its code's container runs.

        Args:
            rank: which node it is.
            pod: as it is now, or was last.
            gone: whether it was deleted.
        """
        uid = pod["metadata"]["uid"]
        life = None if gone else life_of(pod, self._container)
        with self._roll.changed:
            self._roll.lives[uid] = life
            ready, _ = self._roll.ready.get(rank, ("", ""))
            # One that did its part stays among the peers of those that are started anew.
            if ready.startswith(f"{uid}/") and ready != life and not did_its_part(pod, self._container):
                del self._roll.ready[rank]
            self._roll.changed.notify_all()
        if life and life not in self._met:
            self._met.add(life)
            self._thread(rank, uid, life, lambda node: self._attend(rank, pod, life, node), pod["status"]["podIP"])

    def _thread(self, rank: int, uid: str, life: str, act: Callable[[Node], None], address: str) -> None:
        def alive() -> bool:
            return self._roll.lives.get(uid) == life

        def run() -> None:
            try:
                act(Node(address, self._token, alive))
            except ClusterError as error:
                # Of a pod that is over its job tells more.
                if alive() and not isinstance(error, MissingObjectError):
                    self._fail(error)
            except Exception as error:  # else the node would wait for a thread that is no more
                self._fail(ClusterError(f"node {rank} cannot be attended: {error!r}", "report this, with the log"))

        threading.Thread(target=run, daemon=True).start()

    def _attend(self, rank: int, pod: Object, life: str, node: Node) -> None:
        self._introduce(pod)
        state = node.state(0)
        if state["phase"] == WAITING:
            files = inputs_of(self._executor_input)
            if files:
                self._say(f"node {rank} is sent {_amount(files)} of inputs")
            node.send(files)
        if rank == 0:
            self._thread(rank, pod["metadata"]["uid"], life, self._bring, node.address)
        with self._roll.changed:
            if self._roll.lives.get(pod["metadata"]["uid"]) != life:
                return
            self._roll.ready[rank] = (life, node.address)
            self._roll.changed.notify_all()
        self._keep(rank, pod["metadata"]["uid"], life, node, tuple(state["peers"]))

    def _introduce(self, pod: Object) -> None:
        """Makes this step known to a pod that was made by an earlier attempt."""
        metadata = pod["metadata"]
        if (metadata.get("annotations") or {}).get(ANNOTATION) != verifier_of(self._token):
            self._cluster.request(
                "PATCH",
                POD.path(metadata["namespace"], metadata["name"]),
                body={"metadata": {"uid": metadata["uid"], "annotations": {ANNOTATION: verifier_of(self._token)}}},
                content_type="application/merge-patch+json",
            )

    def _keep(self, rank: int, uid: str, life: str, node: Node, told: tuple[str, ...]) -> None:
        """Has a node start when all are ready; and anew, where their processes find each other, when some are new."""
        roll = self._roll

        def is_due() -> bool:
            return bool(roll.peers()) and roll.peers() != told

        while not told or self._order.framework:
            with roll.changed:
                roll.changed.wait_for(lambda: roll.lives.get(uid) != life or is_due(), _BEAT)
                if roll.lives.get(uid) != life:
                    return
                peers = roll.peers() if is_due() else ()
            if not peers:
                if not told:
                    node.state(0)
                continue
            node.start(Work(self._executor_input, rank, peers, self._order.framework, self._order.processes))
            self._say(f"node {rank} starts" + (" anew" if told else ""))
            told = peers

    def _bring(self, node: Node) -> None:
        """Waits for the end of the first node's code, and fetches what it made."""
        while (state := node.state())["phase"] != ENDED:
            pass
        if state["code"] == 0:
            files = node.outputs(self._executor_input)
            self._say(f"node 0 is done, with {_amount(files)} of outputs")
            node.fetch(files)
            self.fetched = True
            node.end()


def did_its_part(pod: Object, container: str) -> bool:
    """Whether a container ended well; its pod and its job are told so a second or two later."""
    return bool(_state(pod, container).get("terminated", {}).get("exitCode") == 0)


def life_of(pod: Object, container: str) -> str | None:
    """Which life of a container runs, as the kubelet may start it anew in its pod; None if none does."""
    if "running" not in _state(pod, container) or not pod["status"].get("podIP"):
        return None
    return f"{pod['metadata']['uid']}/{_status(pod, container).get('restartCount', 0)}"


def _state(pod: Object, container: str) -> Object:
    return _status(pod, container).get("state") or {}


def _status(pod: Object, container: str) -> Object:
    statuses: list[Object] = (pod.get("status") or {}).get("containerStatuses") or []
    return next((found for found in statuses if found["name"] == container), {})


def _amount(files: Sequence[File]) -> str:
    count = sum(size for _, size in files)
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
