"""Which pods are nodes of a job: those that its controller created, with the component's image, one for each rank."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import find_kind
from fairing_kfp.cluster.objects import find
from fairing_kfp.cluster.pods import phase_of
from fairing_kfp.cluster.watch import Change

_LONGEST_CHAIN = 5  # owners between a pod and its job; a TrainJob has two


class NodePods:
    """The pods of a job's nodes. Others are ignored, with a warning.

    Args:
        cluster: cluster of the job.
        job_uid: uid of the job.
        image: image of the component.
        container: name of the container that runs the code.
        nodes: number of nodes.
        log: receives warnings.
    """

    def __init__(
        self, cluster: Cluster, job_uid: str, image: str, container: str, nodes: int, log: Callable[[str], None]
    ) -> None:
        self._cluster, self._job_uid, self._log = cluster, job_uid, log
        self._image, self._container, self._nodes = image, container, nodes
        self._owned: dict[str, bool] = {}  # by the uid of a controller
        self._problems: dict[str, str] = {}  # by the uid of a pod
        self._holders: dict[int, Object] = {}
        self._waiting: dict[int, dict[str, Change]] = {}

    def admitted(self, rank: int, change: Change) -> Iterator[Change]:
        """The changes that concern a node: this one if its pod is one, and those of a pod that takes its place.

        Args:
            rank: rank that the pod claims.
            change: change of a pod with the labels of the job's pods.

        Raises:
            ClusterError: a controller cannot be read.
        """
        pod = change.object
        uid = pod["metadata"]["uid"]
        if uid not in self._problems:
            self._problems[uid] = self._problem(rank, pod)
            if self._problems[uid]:
                self._warn(rank, pod, self._problems[uid])
        if self._problems[uid]:
            return
        holder, waiting = self._holders.get(rank), self._waiting.setdefault(rank, {})
        if holder is not None and holder["metadata"]["uid"] != uid and _is_live(holder):
            ended = change.deleted or not _is_live(pod)
            if ended and uid not in waiting:
                yield change  # an earlier pod of the rank
            elif ended:
                del waiting[uid]
            else:
                if uid not in waiting:
                    self._warn(rank, pod, f"pod {holder['metadata']['name']} has that rank already")
                waiting[uid] = change
            return
        self._holders[rank] = {"metadata": {**pod["metadata"], "deletionTimestamp": "now"}} if change.deleted else pod
        yield change
        if not _is_live(self._holders[rank]) and waiting:
            yield from self.admitted(rank, waiting.pop(next(iter(waiting))))

    def _problem(self, rank: int, pod: Object) -> str:
        """Why a pod is not a node; empty if it is."""
        if rank >= self._nodes:
            return f"the job has {self._nodes} nodes"
        image = next((one.get("image", "") for one in pod["spec"]["containers"] if one["name"] == self._container), "")
        if "@" in self._image and _digest(image) != _digest(self._image):
            return f"its image is {image or 'unknown'}, not {self._image}"
        if not self._is_owned(pod, _LONGEST_CHAIN):
            return "the controller of the job did not create it"
        return ""

    def _is_owned(self, state: Object, steps: int) -> bool:
        """Whether the controllers of an object lead to the job."""
        references = state["metadata"].get("ownerReferences") or []
        owner = next((one for one in references if one.get("controller")), None)
        if owner is None or not steps:
            return False
        uid = owner["uid"]
        if uid == self._job_uid:
            return True
        if uid not in self._owned:
            kind = find_kind(self._cluster, owner["apiVersion"], owner["kind"])
            found = find(self._cluster, kind, owner["name"], state["metadata"]["namespace"])
            genuine = found is not None and found["metadata"]["uid"] == uid
            self._owned[uid] = genuine and found is not None and self._is_owned(found, steps - 1)
        return self._owned[uid]

    def _warn(self, rank: int, pod: Object, problem: str) -> None:
        self._log(f"warning: pod {pod['metadata']['name']} is ignored, though it claims to be node {rank}: {problem}")


def _is_live(pod: Object) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and phase_of(pod) not in ("Succeeded", "Failed")


def _digest(image: str) -> str:
    """The digest of an image, since a policy may replace its registry."""
    return image.rpartition("@")[2]
