"""Waiting for a version to serve: its object and its pods, each state as it comes, and what keeps it from it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from fairing_kfp.cluster.apply import Placed
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import POD, kind_of
from fairing_kfp.cluster.pods import Trouble, trouble
from fairing_kfp.cluster.watch import Change, follow, watch
from fairing_kfp.errors import ClusterError, ServingError
from fairing_kfp.serving.failure import Failures, is_hopeless
from fairing_kfp.serving.served import BY, SERVES, VERSION
from fairing_kfp.serving.target import Target, is_of, is_ready

_LESS = "ask for less, or have whoever runs the cluster allow more"
_SLACK = 60.0  # seconds in which a pod is placed and its image pulled; an image that does not come is given up
_STUBBORN = 5.0  # seconds after which what the object itself says is believed
_ENDING = 30.0  # seconds after which pods that do not end are taken for dead, as those of a lost node are
_AGAIN = 60.0  # seconds after which what keeps a pod from running is said once more
_LOOK = 1.0  # seconds between looks at the clock


class SupersededError(ClusterError):
    """Somebody brought another version meanwhile."""


class Arrival:
    """Waits for one version.

    Args:
        cluster: where it is.
        target: by what it is served.
        placed: the object with the pods, as it was applied.
        patience: seconds in which a pod must have come so far that it gets requests.
        say: takes a sentence for the step's log.
    """

    def __init__(
        self, cluster: Cluster, target: Target, placed: Placed, patience: float, say: Callable[[str], None]
    ) -> None:
        self._cluster, self._target, self._placed = cluster, target, placed
        self._patience, self._say = patience, say
        metadata = placed.object["metadata"]
        self._namespace = str(metadata["namespace"])
        labels = target.template(placed.object)["metadata"]["labels"]
        self._version, self._chosen = str(labels[VERSION]), f"{SERVES}={labels[SERVES]},{BY}={labels[BY]}"
        self._shown = f"{placed.object['kind']} {placed.name}"
        self._failures = Failures(cluster, self._namespace, placed.name, self._shown, target.container)
        self._begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._state = placed.object
        self._pods: dict[str, Object] = {}
        self._since: dict[str, float] = {}
        self._ready, self._moved = -1, time.monotonic()
        self._said: tuple[str, float] = ("", 0.0)
        self._heard: queue.Queue[Change | Object | ClusterError] = queue.Queue()
        self._over = threading.Event()

    def wait(self) -> Object:
        """Returns the object when its version serves, and no other.

        Raises:
            ServingError: it cannot.
            SupersededError: somebody brought another version.
            ClusterError: it was deleted, or Kubernetes does not answer any more.
        """
        kind = kind_of(self._cluster, self._placed.object)
        self._listen(follow(self._cluster, kind, self._placed.name, self._namespace, uid=self._placed.uid))
        self._listen(watch(self._cluster, POD, self._namespace, labels=self._chosen))
        try:
            while True:
                self._hear()
                if not self._target.arrived(self._state, list(self._pods.values())):
                    self._check()
                elif self._is_alone():
                    return self._state
        finally:
            self._over.set()

    def _listen(self, states: Iterator[Change] | Iterator[Object]) -> None:
        def hear() -> None:
            try:
                for state in states:
                    if self._over.is_set():
                        return
                    self._heard.put(state)
            except ClusterError as error:
                self._heard.put(error)

        threading.Thread(target=hear, daemon=True).start()

    def _hear(self) -> None:
        """Takes what came, all of it; waits a moment if nothing did."""
        try:
            self._take(self._heard.get(timeout=_LOOK))
            while True:
                self._take(self._heard.get_nowait())
        except queue.Empty:
            return

    def _take(self, heard: Change | Object | ClusterError) -> None:
        if isinstance(heard, ClusterError):
            raise heard
        if isinstance(heard, Change):
            uid = heard.object["metadata"]["uid"]
            if heard.gone:
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = heard.object
            return
        self._state = heard
        version = self._target.template(heard)["metadata"]["labels"].get(VERSION)
        if version != self._version:
            raise SupersededError(
                f"somebody brought another version of {self._shown} before this one served",
                "let one run at a time serve a name",
            )

    def _is_alone(self) -> bool:
        """Whether no pod of another version may get requests any more; those that end still do for some seconds."""
        others = [pod["metadata"] for pod in self._pods.values() if not is_of(pod, self._version)]
        if not any("deletionTimestamp" in one for one in others):
            return True
        now = time.monotonic()
        return now - self._since.setdefault("ending", now) > _ENDING

    def _check(self) -> None:
        """Says what keeps pods from serving, and gives up on what will not change."""
        now = time.monotonic()
        mine = [pod for pod in self._pods.values() if is_of(pod, self._version)]
        ready = sum(map(is_ready, mine))
        if ready != self._ready:
            self._ready, self._moved = ready, now
        self._check_object(now)
        for pod in mine:
            events = self._failures.events(pod) if _is_pending(pod) else []
            found = trouble(pod, events) if not is_ready(pod) else None
            if found is not None:
                self._check_pod(pod, found, now)
        if not mine and now - self._moved > _STUBBORN:
            self._check_made()
        if now - self._moved > self._patience + _SLACK:
            waiting = next((pod for pod in mine if not is_ready(pod)), None)
            raise self._failures.of_time(waiting, self._patience + _SLACK)

    def _check_object(self, now: float) -> None:
        why = self._target.failure(self._state)
        if not why:
            self._since.pop("", None)
        elif now - self._since.setdefault("", now) > _STUBBORN:
            raise ServingError(f"{self._shown} does not come to serve: {why}", _LESS)

    def _check_made(self) -> None:
        """Sees whether Kubernetes is kept from making pods; of KServe's the object does not say so."""
        why = self._failures.refused(self._begun)
        if why:
            raise ServingError(f"{self._shown} does not come to serve: its pods are refused: {why}", _LESS)

    def _check_pod(self, pod: Object, found: Trouble, now: float) -> None:
        if found.exit_code is not None:
            # Once may be chance. Twice is not.
            if _restarts(pod, found.container):
                raise self._failures.of_pod(pod, found)
            return
        since = self._since.setdefault(f"{pod['metadata']['uid']} {found.reason}", now)
        if self._said[0] != found.reason or now - self._said[1] > _AGAIN:
            self._said = (found.reason, now)
            self._say(f"waiting: {found.message}")
        allowed = _STUBBORN if is_hopeless(found) else _SLACK
        if found.reason != "Unschedulable" and now - since > allowed:
            raise self._failures.of_pod(pod, found)


def _is_pending(pod: Object) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Pending")


def _restarts(pod: Object, container: str) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((int(one["restartCount"]) for one in statuses if one["name"] == container), 0)
