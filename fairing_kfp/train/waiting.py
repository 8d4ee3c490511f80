"""What keeps the nodes of a job from running: said as it is found, and given up when it will not change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.events import warnings_of
from fairing_kfp.cluster.pods import Trouble
from fairing_kfp.errors import ClusterError, JobFailedError
from fairing_kfp.train.ending import worst
from fairing_kfp.train.order import Order

_STUBBORN = 60.0  # seconds after which an image or volume that does not come is given up; the kubelet tried thrice
_AGAIN = 300.0  # seconds after which what keeps a node from running is said once more
_PAUSES = (5.0, 5.0, 10.0, 20.0)  # seconds before Kubernetes is asked why there are no pods, or why they only wait

_SAME = {"ErrImagePull": "ImagePullBackOff"}  # the kubelet goes to and fro between them


class Waiting:
    """Watches over nodes that do not run yet.

    Args:
        cluster: where they are.
        order: what they are to run.
        say: takes a sentence for the step's log.
    """

    def __init__(self, cluster: Cluster, order: Order, say: Callable[[str], None]) -> None:
        self._cluster, self._order, self._say = cluster, order, say
        self._since: dict[str, float] = {}
        self._said = ("", 0.0)
        self._asked, self._next_ask = 0, time.monotonic() + _PAUSES[0]

    def look(self, job: Object, pods: Mapping[int, Object]) -> None:
        """Looks at the nodes, as something changed, or some time went by.

        Args:
            job: as it was last.
            pods: the last states of its pods, by rank.

        Raises:
            JobFailedError: what keeps a node from running will not change.
        """
        pending = {rank: pod for rank, pod in pods.items() if (pod.get("status") or {}).get("phase") == "Pending"}
        if not pending and len(pods) >= self._order.nodes:
            self._since.clear()
            return
        deep = time.monotonic() >= self._next_ask
        if deep:
            self._asked += 1
            self._next_ask = time.monotonic() + _PAUSES[min(self._asked, len(_PAUSES) - 1)]
        found = worst(self._cluster, pending, deep)
        if found is not None and not found.trouble.ended:
            self._weigh(found.pod["metadata"]["uid"], f"node {found.rank}", found.trouble)
        elif deep and not pending:
            self._look_for_pods(job)
        elif deep:
            self._since.clear()

    def _look_for_pods(self, job: Object) -> None:
        """Says why pods are not even made, which is told by events of the job alone, or of what it made itself."""
        metadata = job["metadata"]
        if (job.get("spec") or {}).get("suspend"):
            self._tell(f"the job {metadata['name']} is suspended, and waits until it is resumed", "Suspended")
            return
        try:
            events = warnings_of(self._cluster, metadata["namespace"], metadata["name"])
        except ClusterError:
            return  # they are a help, and no more
        if events:
            quota = "quota" in events[-1].message
            remedy = "ask for less, or wait until others end" if quota else "have what is named changed"
            text = f"its pods cannot be made: {events[-1].message}"
            self._weigh(metadata["uid"], f"the job {metadata['name']}", Trouble(_quota(quota), text, remedy))

    def _weigh(self, uid: str, who: str, trouble: Trouble) -> None:
        now = time.monotonic()
        since = self._since.setdefault(uid, now)
        self._tell(f"{who} waits: {trouble.message}", trouble.reason)
        patient = trouble.reason in ("Unschedulable", _quota(True))
        if now - since > (self._order.start_within if patient else min(_STUBBORN, self._order.start_within)):
            raise JobFailedError(
                f"{self._order.shown} of {self._order.name} cannot start: {who} waited {now - since:.0f} seconds: "
                f"{trouble.message}",
                trouble.remedy,
            )

    def _tell(self, text: str, what: str) -> None:
        what = _SAME.get(what, what)
        if self._said[0] != what or time.monotonic() - self._said[1] > _AGAIN:
            self._said = (what, time.monotonic())
            self._say(text)


def _quota(exceeded: bool) -> str:
    return "ExceededQuota" if exceeded else "FailedCreate"
