"""The nodes of a job as they come: each is given the inputs, all start together, and the first gives the outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.errors import ClusterError, MissingObjectError
from fairing_kfp.runtime.node import ENDED, WAITING
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.exchange import Node, new_token, verifier_of
from fairing_kfp.train.order import Order
from fairing_kfp.train.template import ANNOTATION

_BEAT = 10.0  # seconds, in which a node that waits for others hears of its step


class Crew:
    """All nodes of one job, each attended by a thread of its own.

    Args:
        cluster: where the pods are.
        order: what is run.
        executor_input: KFP's, as the nodes get it.
        say: takes a sentence for the step's log.
    """

    def __init__(
        self, cluster: Cluster, order: Order, executor_input: Mapping[str, Any], say: Callable[[str], None]
    ) -> None:
        self._cluster, self._order, self._say = cluster, order, say
        self._executor_input = dict(executor_input)
        self._token = new_token()
        self._changed = threading.Condition()
        self._met: set[str] = set()
        self._here: set[str] = set()
        self._addresses: dict[int, str] = {}
        self.fetched = False
        self.failure: ClusterError | None = None

    @property
    def verifier(self) -> str:
        """What its nodes know this step by."""
        return verifier_of(self._token)

    def see(self, rank: int, pod: Object, running: bool) -> None:
        """Takes the state of a node's pod; attends it from when it runs.

        Args:
            rank: which node it is.
            pod: as it is now.
            running: whether its code's container runs.
        """
        uid = pod["metadata"]["uid"]
        with self._changed:
            (self._here.add if running else self._here.discard)(uid)
            new = running and uid not in self._met
            self._met.update({uid} if new else ())
        if new:
            threading.Thread(target=self._attend, args=(rank, pod), daemon=True).start()

    def _attend(self, rank: int, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        try:
            self._introduce(pod)
            node = Node(pod["status"]["podIP"], self._token, lambda: uid in self._here)
            self._work(rank, node)
        except ClusterError as error:
            # Of a pod that is over its job tells more.
            if uid in self._here and not isinstance(error, MissingObjectError):
                self.failure = self.failure or error

    def _introduce(self, pod: Object) -> None:
        """Makes this step known to a pod that was made by an earlier attempt."""
        metadata = pod["metadata"]
        if metadata["annotations"].get(ANNOTATION) != self.verifier:
            self._cluster.request(
                "PATCH",
                POD.path(metadata["namespace"], metadata["name"]),
                body={"metadata": {"uid": metadata["uid"], "annotations": {ANNOTATION: self.verifier}}},
                content_type="application/merge-patch+json",
            )

    def _work(self, rank: int, node: Node) -> None:
        if node.state(0)["phase"] == WAITING:
            sent = node.send(self._executor_input)
            peers = self._gathered(rank, node)
            node.start(Work(self._executor_input, rank, peers, self._order.framework, self._order.processes))
            self._say(f"node {rank} starts" + (f", with {_amount(sent)} of inputs" if sent else ""))
        if rank != 0:
            return
        while (state := node.state())["phase"] != ENDED:
            pass
        if state["code"] == 0:
            self._say(f"node 0 is done, with {_amount(node.fetch(self._executor_input))} of outputs")
            self.fetched = True
            node.end()

    def _gathered(self, rank: int, node: Node) -> tuple[str, ...]:
        """Waits until all nodes are there; gives their addresses."""
        with self._changed:
            self._addresses[rank] = node.address
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: len(self._addresses) == self._order.nodes, _BEAT)
                if len(self._addresses) == self._order.nodes:
                    return tuple(self._addresses[rank] for rank in sorted(self._addresses))
            node.state(0)


def _amount(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
