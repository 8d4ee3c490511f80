"""Logs of containers, followed without losing or repeating a line.

The kubelet follows a log through its rotation, but ends the stream when it or the API server restarts. So when a stream
ends, the state of the container decides whether to resume. A resumed stream overlaps the lines already read, because
logs are requested by the second. What the kubelet itself drops cannot be read again: lines that a container writes
between the kubelet's last read of a log and its rotation.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from fairing_kfp.cluster.client import BrokenStreamError, Cluster, Object
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.pods import ContainerStatus, container_status, phase_of
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import ClusterError, MissingObjectError

_READ_TIMEOUT = 300.0  # seconds; the stream of a log that is silent for longer is resumed
_PAUSES = (0.1, 0.3, 1.0, 2.0)  # seconds between streams without new lines
_OVERLAP = timedelta(seconds=2)


@dataclass(frozen=True)
class Line:
    """A line of a log.

    Attributes:
        time: time of the line, as the kubelet reports it: RFC 3339 with nanoseconds.
        text: the line without its end.
    """

    time: str
    text: str

    @classmethod
    def parse(cls, line: bytes) -> Line | None:
        """Parses a line with a timestamp; None for a line without.

        The kubelet reports errors in lines without a timestamp: `unable to retrieve container logs for …`.
        """
        time, _, text = line.decode(errors="replace").rstrip("\r").partition(" ")
        return cls(time, text) if _seconds(time) else None


class Deduplicator:
    """Recognizes the lines that a resumed log repeats.

    It counts how often each line was read: two equal lines at the same nanosecond are two lines.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[datetime, Line]] = deque()
        self._repeated: Counter[Line] = Counter()
        self._latest: datetime | None = None

    @property
    def since(self) -> str | None:
        """The `sinceTime` of the next stream; None before the first line."""
        if self._latest is None:
            return None
        return (self._latest - _OVERLAP / 2).strftime("%Y-%m-%dT%H:%M:%SZ")

    def restart(self) -> None:
        """Expects the lines after `since` again."""
        self._repeated = Counter(line for _, line in self._recent)

    def is_new(self, line: Line) -> bool:
        """Records the next line, and returns whether it was not read before."""
        if self._repeated[line] > 0:
            self._repeated[line] -= 1
            return False
        seconds = _seconds(line.time)
        if seconds:
            # The lines of stdout and stderr may be slightly out of order.
            self._latest = max(seconds, self._latest or seconds)
            self._recent.append((seconds, line))
            while self._recent[0][0] < self._latest - _OVERLAP:
                self._recent.popleft()
        return True


def follow_log(cluster: Cluster, namespace: str, pod: str, container: str) -> Iterator[Line]:
    """Yields the lines of a container from its start, through restarts, until it has terminated for good.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the pod.
        pod: name of the pod; it may not have started yet.
        container: name of the container.

    Raises:
        ClusterError: the log cannot be read, or Kubernetes does not answer in time.
    """
    seen, idle = Deduplicator(), 0
    status = _wait_for_start(cluster, namespace, pod, container, restarts=-1)
    while status:
        count = 0
        for line in _read(cluster, namespace, pod, container, seen, follow="true"):
            count += 1
            yield line
        current = _status(cluster, namespace, pod, container)
        if current is None:
            return
        if current.restarts > status.restarts:
            yield from _read(cluster, namespace, pod, container, seen, previous="true")
        elif _termination(current) is not None:
            yield from _read(cluster, namespace, pod, container, seen)
            status = _wait_for_start(cluster, namespace, pod, container, restarts=current.restarts)
            continue
        idle = 0 if count else min(idle + 1, len(_PAUSES) - 1)
        time.sleep(_PAUSES[idle])
        status = current


def last_lines(
    cluster: Cluster, namespace: str, pod: str, container: str, count: int = 20, *, previous: bool = False
) -> list[str]:
    """The last lines of a container; none if it has no log.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the pod.
        pod: name of the pod.
        container: name of the container.
        count: maximum number of lines.
        previous: whether to read the log from before the last restart.

    Raises:
        ClusterError: the log cannot be read.
    """
    try:
        query = {"tailLines": str(count), **({"previous": "true"} if previous else {})}
        return [line.text for line in _read(cluster, namespace, pod, container, Deduplicator(), **query)]
    except MissingObjectError:
        return []


class Streams:
    """Logs of several pods. A daemon thread follows each of them.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the pods.
        container: name of the container in each pod.
        on_line: called with the name of the pod and a line, from one thread at a time.

    Attributes:
        failures: errors of logs that could not be read.
    """

    def __init__(self, cluster: Cluster, namespace: str, container: str, on_line: Callable[[str, Line], None]) -> None:
        self._cluster, self._namespace, self._container, self._on_line = cluster, namespace, container, on_line
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self.failures: list[ClusterError] = []

    def add(self, pod: Object) -> None:
        """Follows the log of a pod, unless it is followed already."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if uid not in self._threads:
            self._threads[uid] = threading.Thread(target=self._follow, args=(name,), daemon=True)
            self._threads[uid].start()

    def join(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds for the logs to end, and returns whether they did."""
        end = time.monotonic() + timeout
        threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in threads)

    def _follow(self, pod: str) -> None:
        try:
            for line in follow_log(self._cluster, self._namespace, pod, self._container):
                with self._lock:
                    self._on_line(pod, line)
        except ClusterError as error:
            self.failures.append(error)


def _read(
    cluster: Cluster, namespace: str, pod: str, container: str, seen: Deduplicator, **options: str
) -> Iterator[Line]:
    """The new lines of a log, until its stream ends or breaks."""
    query = {"container": container, "timestamps": "true", **options}
    if seen.since:
        query["sinceTime"] = seen.since
    seen.restart()
    rest = b""
    try:
        with cluster.stream(POD.path(namespace, pod, "log"), query, read_timeout=_READ_TIMEOUT) as chunks:
            for chunk in chunks:
                *complete, rest = (rest + chunk).split(b"\n")
                yield from (line for line in map(Line.parse, complete) if line and seen.is_new(line))
    except BrokenStreamError:
        return  # an incomplete line comes again
    except ClusterError as error:
        # 400: the container has not started, or has no previous log. 404: the pod was deleted.
        if error.status not in (400, 404):
            raise
        return
    # A followed stream can end within a line, which comes again; the end of another stream is the end of the log.
    last = Line.parse(rest) if "follow" not in options else None
    if last and seen.is_new(last):
        yield last


def _wait_for_start(
    cluster: Cluster, namespace: str, pod: str, container: str, restarts: int
) -> ContainerStatus | None:
    """Waits until a container has started after more than so many restarts; None if it never will."""
    try:
        for state in follow(cluster, POD, pod, namespace):
            status = container_status(state, container)
            termination = _termination(status) if status else None
            if status and (status.running or termination is not None) and status.restarts > restarts:
                return status
            final = termination is not None and not _is_restarted(state, termination)
            if phase_of(state) in ("Succeeded", "Failed") or final:
                return None
    except MissingObjectError:
        return None
    return None


def _status(cluster: Cluster, namespace: str, pod: str, container: str) -> ContainerStatus | None:
    try:
        return container_status(cluster.request("GET", POD.path(namespace, pod)), container)
    except MissingObjectError:
        return None


def _termination(status: ContainerStatus) -> Object | None:
    """How a container terminated, also while it waits for its restart, when its log can still be read."""
    return status.terminated or (status.last_terminated if status.waiting is not None else None)


def _is_restarted(pod: Object, termination: Object) -> bool:
    """Whether the kubelet restarts a container of a pod after it terminated."""
    policy = pod["spec"].get("restartPolicy")
    return not (policy == "Never" or (policy == "OnFailure" and termination.get("exitCode") == 0))


def _seconds(time: str) -> datetime | None:
    """The time without its fraction, since logs are requested by the second."""
    try:
        return datetime.strptime(time[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
