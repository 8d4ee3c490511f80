"""Watches of objects that resume after broken connections, restarts of the API server, and expired versions.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairing_kfp.cluster.client import BrokenStreamError, Cluster, Object
from fairing_kfp.cluster.errors import error_from_status, is_transient
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.errors import ClusterError, DeadlineError, MissingObjectError

_WATCH_TIMEOUT = 240.0  # seconds; then the API server ends a watch, and the next one starts
_PAUSE = 0.2  # seconds before the next watch, if the API server ended one at once


class _ExpiredError(Exception):
    """The API server no longer has the version to resume from (410 Gone)."""


@dataclass(frozen=True)
class Change:
    """A new state of an object.

    Attributes:
        object: the object in its current or last state.
        deleted: whether it was deleted.
    """

    object: Object
    deleted: bool = False


@dataclass(frozen=True)
class View:
    """The state of a watch.

    Attributes:
        version: resource version to resume from; empty if the objects must be listed first.
        known: last states of the objects, by uid.
    """

    version: str
    known: Mapping[str, Object]

    def listed(self, answer: Object) -> tuple[View, list[Change]]:
        """The view after a list, and the changes since the last state."""
        items = {item["metadata"]["uid"]: item for item in answer.get("items") or []}
        deleted = [Change(state, deleted=True) for uid, state in self.known.items() if uid not in items]
        changed = [
            Change(item)
            for uid, item in items.items()
            if uid not in self.known or _version(self.known[uid]) != _version(item)
        ]
        return View(answer["metadata"]["resourceVersion"], items), deleted + changed

    def updated(self, event: Object) -> tuple[View, list[Change]]:
        """The view after an event of a watch, and the change. A bookmark only sets the version.

        Raises:
            _ExpiredError: the requested version is too old.
            ClusterError: the API server ends the watch for another reason.
        """
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            _raise_for_status(item)
            return self, []
        version = _version(item)
        if kind == "BOOKMARK":
            return View(version, self.known), []
        uid = item["metadata"]["uid"]
        if kind == "DELETED":
            return View(version, {key: state for key, state in self.known.items() if key != uid}), [
                Change(item, deleted=True)
            ]
        return View(version, {**self.known, uid: item}), [Change(item)]


def watch(
    cluster: Cluster, kind: Kind, namespace: str, *, name: str = "", labels: str = "", seconds: float | None = None
) -> Iterator[Change]:
    """Yields the current states of objects, then each change.

    Args:
        cluster: client of the cluster.
        kind: kind of the objects.
        namespace: namespace of the objects.
        name: name of a single object.
        labels: label selector: `app=a,stage=b`.
        seconds: how long to watch, in seconds; without end by default.

    Raises:
        ClusterError: Kubernetes rejects the watch, or does not answer in time.
    """
    yield from _watch(cluster, kind, namespace, _selectors(name, labels), View("", {}), seconds)


def _selectors(name: str, labels: str) -> dict[str, str]:
    fields = f"metadata.name={name}" if name else ""
    return {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}


def _watch(
    cluster: Cluster, kind: Kind, namespace: str, selectors: Mapping[str, str], view: View, seconds: float | None
) -> Iterator[Change]:
    end = time.monotonic() + seconds if seconds is not None else None
    path = kind.path(namespace)
    while end is None or time.monotonic() < end:
        if not view.version:
            view, changes = view.listed(_typed(cluster.request("GET", path, query=selectors), kind))
            yield from changes
        start, version = time.monotonic(), view.version
        left = _WATCH_TIMEOUT if end is None else max(min(_WATCH_TIMEOUT, end - start), 0.1)
        query = {
            **selectors,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": view.version,
            "timeoutSeconds": str(max(int(left), 1)),
        }
        try:
            with cluster.stream(path, query, read_timeout=min(left + 1, _WATCH_TIMEOUT)) as chunks:
                for line in _lines(chunks):
                    view, changes = view.updated(json.loads(line))
                    yield from changes
        except _ExpiredError:
            view = View("", view.known)
        except ClusterError as error:
            if error.status != 410:
                raise
            view = View("", view.known)
        except BrokenStreamError:
            pass
        if view.version == version and time.monotonic() - start < _PAUSE:
            time.sleep(_PAUSE)


def follow(
    cluster: Cluster, kind: Kind, name: str, namespace: str, *, uid: str = "", seconds: float | None = None
) -> Iterator[Object]:
    """Yields the current state of an object, then each new state.

    Args:
        cluster: client of the cluster.
        kind: kind of the object.
        name: name of the object.
        namespace: namespace of the object.
        uid: uid that the object must have; any by default.
        seconds: how long to watch, in seconds; without end by default.

    Raises:
        MissingObjectError: the object does not exist, was deleted, or has another uid.
        DeadlineError: the time is up.
        ClusterError: Kubernetes rejects the watch, or does not answer in time.
    """
    shown = f"{kind.kind} {name} in the namespace {namespace}"
    selectors = _selectors(name, "")
    answer = _typed(cluster.request("GET", kind.path(namespace), query=selectors), kind)
    view, present = View("", {}).listed(answer)
    if not present:
        raise MissingObjectError(f"there is no {shown}", "find out who deleted it, or create it", status=404)
    for change in itertools.chain(present, _watch(cluster, kind, namespace, selectors, view, seconds)):
        other = bool(uid) and change.object["metadata"]["uid"] != uid
        if change.deleted and not other:
            raise MissingObjectError(f"{shown} was deleted", "find out who deleted it, and run again", status=404)
        if other and not change.deleted:
            raise MissingObjectError(f"{shown} was replaced", "find out who replaced it, and run again", status=404)
        if not change.deleted:
            yield change.object
    raise DeadlineError(f"{shown} did not finish within {seconds:g} seconds", "allow more time, or see its events")


class Updates:
    """Merges several watches into one queue; a daemon thread reads each of them."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Change | Object | ClusterError] = queue.Queue()
        self._closed = threading.Event()

    def add(self, states: Iterator[Change] | Iterator[Object]) -> None:
        """Starts reading a watch."""
        threading.Thread(target=self._read, args=(states,), daemon=True).start()

    def fail(self, error: ClusterError) -> None:
        """Makes the next `get` that reaches the error raise it."""
        self._queue.put(error)

    def get(self, timeout: float) -> Change | Object | None:
        """Returns the next state, or None if there is none within `timeout` seconds.

        Raises:
            ClusterError: a watch failed.
        """
        try:
            state = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(state, ClusterError):
            raise state
        return state

    def is_empty(self) -> bool:
        """Whether all states received so far were returned."""
        return self._queue.empty()

    def close(self) -> None:
        """Stops each thread at the next state of its watch."""
        self._closed.set()

    def _read(self, states: Iterator[Change] | Iterator[Object]) -> None:
        try:
            for state in states:
                if self._closed.is_set():
                    return
                self._queue.put(state)
        except ClusterError as error:
            self._queue.put(error)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The complete lines. An incomplete last one is dropped, since the next watch sends its event again."""
    rest = b""
    for chunk in chunks:
        *complete, rest = (rest + chunk).split(b"\n")
        yield from (line for line in complete if line.strip())


def _typed(answer: Object, kind: Kind) -> Object:
    """A list whose items have their kind, as in a watch."""
    for item in answer.get("items") or []:
        item |= {"apiVersion": kind.api_version, "kind": kind.kind}
    return answer


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])


def _raise_for_status(status: Object) -> None:
    code = int(status.get("code") or 500)
    if code == 410:
        raise _ExpiredError
    if not is_transient(code, status):
        raise error_from_status(code, status, request="watch", server="")
