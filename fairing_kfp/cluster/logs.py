"""Logs of containers, as they are written: each line once, whatever breaks off in between.

The kubelet follows a log through its rotation, but ends or breaks the stream when it or the API server is restarted. So
whenever a stream ends, the pod is asked whether the container did; if not, the log is read on from where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fairing_kfp.cluster.client import BrokenStreamError, Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.lines import Deduplicator, Line, parsed
from fairing_kfp.cluster.watch import follow, watch
from fairing_kfp.errors import ClusterError, MissingObjectError

_SILENCE = 300.0  # seconds; a log may be silent for longer, and is then read on
_PAUSES = (0.1, 0.3, 1.0, 2.0)  # seconds, between streams that bring nothing
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True)
class _State:
    """A container's: how often it was restarted, whether it started, ended, and will not be restarted."""

    number: int
    started: bool
    ended: bool
    over: bool


def follow_log(cluster: Cluster, namespace: str, pod: str, container: str) -> Iterator[Line]:
    """Yields a container's lines as they come, from its first on; waits until it starts, ends when it ended for good.

    A container that is restarted goes on under the same name; its lines follow those of the one before.

    Args:
        cluster: is asked.
        namespace: the pod's.
        pod: its name.
        container: its name.

    Raises:
        ClusterError: Kubernetes refuses, or was not there for longer than the cluster's patience.
    """
    seen, idle = Deduplicator(), 0
    state = _started(cluster, namespace, pod, container, beyond=-1)
    while state:
        fresh = 0
        for line in _read(cluster, namespace, pod, container, seen, follow="true"):
            fresh += 1
            yield line
        now = _now(cluster, namespace, pod, container)
        if now is None:
            return
        if now.number > state.number:
            yield from _read(cluster, namespace, pod, container, seen, previous="true")
        elif now.ended:
            yield from _read(cluster, namespace, pod, container, seen)
            # Restarted, or over with its pod.
            state = _started(cluster, namespace, pod, container, beyond=now.number)
            continue
        idle = 0 if fresh else min(idle + 1, len(_PAUSES) - 1)
        time.sleep(_PAUSES[idle])
        state = now


def last_lines(
    cluster: Cluster, namespace: str, pod: str, container: str, count: int = 20, *, previous: bool = False
) -> list[str]:
    """The last lines that a container wrote; none if there is no log (any more).

    Args:
        cluster: is asked.
        namespace: the pod's.
        pod: its name.
        container: its name.
        count: how many at most.
        previous: of the container as it was before it was restarted.

    Raises:
        ClusterError: Kubernetes refuses to show them.
    """
    try:
        query = {"tailLines": str(count), **({"previous": "true"} if previous else {})}
        return [line.text for line in _read(cluster, namespace, pod, container, Deduplicator(), **query)]
    except MissingObjectError:
        return []


class Streams:
    """Logs of several pods at once, each followed by a thread of its own, which a step's end does not wait for.

    Args:
        cluster: is asked.
        namespace: the pods'.
        container: the name of the container in each pod.
        show: takes the pod's name and a line; one call at a time.
    """

    def __init__(self, cluster: Cluster, namespace: str, container: str, show: Callable[[str, Line], None]) -> None:
        self._cluster, self._namespace, self._container, self._show = cluster, namespace, container, show
        self._lock = threading.Lock()
        self._following: dict[str, threading.Thread] = {}
        self.failures: list[ClusterError] = []

    def add(self, pod: Object) -> None:
        """Follows the log of a pod, once."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if uid not in self._following:
            self._following[uid] = threading.Thread(target=self._follow, args=(name,), daemon=True)
            self._following[uid].start()

    def add_all(self, labels: str) -> None:
        """Follows the logs of all pods that a selector chooses, also of those that come later."""
        threading.Thread(target=self._discover, args=(labels,), daemon=True).start()

    def join(self, seconds: float) -> bool:
        """Waits until all logs ended, or for some seconds; says whether they did."""
        end = time.monotonic() + seconds
        followed = list(self._following.values())
        for thread in followed:
            thread.join(max(end - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in followed)

    def _discover(self, labels: str) -> None:
        try:
            for change in watch(self._cluster, POD, self._namespace, labels=labels):
                if not change.gone:
                    self.add(change.object)
        except ClusterError as error:
            self.failures.append(error)

    def _follow(self, pod: str) -> None:
        try:
            for line in follow_log(self._cluster, self._namespace, pod, self._container):
                with self._lock:
                    self._show(pod, line)
        except ClusterError as error:
            self.failures.append(error)


def _read(
    cluster: Cluster, namespace: str, pod: str, container: str, seen: Deduplicator, **more: str
) -> Iterator[Line]:
    """What is new in a log, up to where its stream ends or breaks."""
    query = {"container": container, "timestamps": "true", **more}
    if seen.since:
        query["sinceTime"] = seen.since
    seen.reopened()
    rest = b""
    try:
        with cluster.stream(POD.path(namespace, pod, "log"), query, silence=_SILENCE) as pieces:
            for piece in pieces:
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line for line in map(parsed, whole) if line and seen.is_new(line))
    except BrokenStreamError:
        return  # half a line comes again
    except ClusterError as error:
        # 400: the container is waiting to start, or has no previous one. 404: the pod is gone.
        if error.status not in (400, 404):
            raise
        return
    # A stream that is followed can end in half a line, which comes again; one that is not ends where the log does.
    last = parsed(rest) if "follow" not in more else None
    if last and seen.is_new(last):
        yield last


def _started(cluster: Cluster, namespace: str, pod: str, container: str, beyond: int) -> _State | None:
    """Waits until a container started that comes after another one; None if there will be none."""
    try:
        for state in follow(cluster, POD, pod, namespace):
            now = _state(state, container)
            if now and now.started and now.number > beyond:
                return now
            if state.get("status", {}).get("phase") in _ENDED or (now and now.over):
                return None
    except MissingObjectError:
        return None
    return None


def _now(cluster: Cluster, namespace: str, pod: str, container: str) -> _State | None:
    try:
        return _state(cluster.request("GET", POD.path(namespace, pod)), container)
    except MissingObjectError:
        return None


def _state(pod: Object, container: str) -> _State | None:
    status = pod.get("status") or {}
    for found in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if found["name"] == container:
            state = found.get("state") or {}
            # One that waits to be restarted has ended, and its log can still be read.
            waiting = (found.get("lastState") or {}).get("terminated") if "waiting" in state else None
            terminated: Object = state.get("terminated") or waiting or {}
            policy = pod["spec"].get("restartPolicy")
            over = policy == "Never" or (policy == "OnFailure" and terminated.get("exitCode") == 0)
            ended = bool(terminated)
            return _State(int(found["restartCount"]), "running" in state or ended, ended, ended and over)
    return None
