"""Watching objects: every state as it comes, through broken connections, restarted servers and forgotten versions.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fairing_kfp.cluster.client import BrokenStreamError, Cluster, Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.refusal import is_transient, refusal
from fairing_kfp.errors import ClusterError, MissingObjectError

_ROUND = 240.0  # seconds, after which the server ends a watch and we ask for the next
_PAUSE = 0.2  # seconds, before a watch is opened again that ended at once


class DeadlineError(ClusterError):
    """An object did not come to its end in time."""


class _ForgottenError(Exception):
    """The server no longer knows the version that we go on from (410 Gone)."""


@dataclass(frozen=True)
class Change:
    """A state of an object.

    Attributes:
        object: as it is now, or was last.
        gone: whether it was deleted.
    """

    object: Object
    gone: bool = False


@dataclass(frozen=True)
class View:
    """What is known of the objects that are watched: where the watch goes on, and their last states.

    Attributes:
        version: the resource version that the next watch begins at; empty if a list is needed first.
        known: the last states by uid.
    """

    version: str
    known: Mapping[str, Object]

    def listed(self, answer: Object) -> tuple[View, list[Change]]:
        """Takes a list: what is new, what changed since, and what is gone meanwhile."""
        items = {item["metadata"]["uid"]: item for item in answer.get("items") or []}
        gone = [Change(state, gone=True) for uid, state in self.known.items() if uid not in items]
        fresh = [
            Change(item)
            for uid, item in items.items()
            if uid not in self.known or _version(self.known[uid]) != _version(item)
        ]
        return View(answer["metadata"]["resourceVersion"], items), gone + fresh

    def told(self, event: Object) -> tuple[View, list[Change]]:
        """Takes an event of a watch; bookmarks only say where to go on.

        Raises:
            _ForgottenError: the version that was asked for is too old.
            ClusterError: the server ends the watch for another reason.
        """
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            _refused(item)
            return self, []
        version = _version(item)
        if kind == "BOOKMARK":
            return View(version, self.known), []
        uid = item["metadata"]["uid"]
        if kind == "DELETED":
            return View(version, {key: state for key, state in self.known.items() if key != uid}), [
                Change(item, gone=True)
            ]
        return View(version, {**self.known, uid: item}), [Change(item)]


def watch(
    cluster: Cluster, kind: Kind, namespace: str, *, name: str = "", labels: str = "", seconds: float | None = None
) -> Iterator[Change]:
    """Yields every state of objects, the present ones first, and goes on until nobody listens.

    Args:
        cluster: is asked.
        kind: of the objects.
        namespace: where they are.
        name: of the only one.
        labels: a selector: `app=a,stage=b`.
        seconds: after which it ends; never by default.

    Raises:
        ClusterError: Kubernetes refuses, or was not there for longer than the cluster's patience.
    """
    yield from _watch(cluster, kind, namespace, _selected(name, labels), View("", {}), seconds)


def _selected(name: str, labels: str) -> dict[str, str]:
    fields = f"metadata.name={name}" if name else ""
    return {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}


def _watch(
    cluster: Cluster, kind: Kind, namespace: str, selected: Mapping[str, str], view: View, seconds: float | None
) -> Iterator[Change]:
    end = time.monotonic() + seconds if seconds is not None else None
    path = kind.path(namespace)
    while end is None or time.monotonic() < end:
        if not view.version:
            view, changes = view.listed(_typed(cluster.request("GET", path, query=selected), kind))
            yield from changes
        begun, version = time.monotonic(), view.version
        left = _ROUND if end is None else max(min(_ROUND, end - begun), 0.1)
        query = {
            **selected,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": view.version,
            "timeoutSeconds": str(max(int(left), 1)),
        }
        try:
            with cluster.stream(path, query, silence=min(left + 1, _ROUND)) as pieces:
                for line in _lines(pieces):
                    view, changes = view.told(json.loads(line))
                    yield from changes
        except _ForgottenError:
            view = View("", view.known)
        except ClusterError as error:
            if error.status != 410:
                raise
            view = View("", view.known)
        except BrokenStreamError:
            pass
        if view.version == version and time.monotonic() - begun < _PAUSE:
            time.sleep(_PAUSE)


def follow(
    cluster: Cluster, kind: Kind, name: str, namespace: str, *, uid: str = "", seconds: float | None = None
) -> Iterator[Object]:
    """Yields every state of one object, until nobody listens any more, or its time is up.

    Args:
        cluster: is asked.
        kind: the object's.
        name: likewise.
        namespace: likewise.
        uid: follows that very object, not another one of its name.
        seconds: how long, at most.

    Raises:
        MissingObjectError: it is not there, or was deleted.
        DeadlineError: the time is up.
        ClusterError: Kubernetes refuses, or was not there for longer than the cluster's patience.
    """
    place = f"{kind.kind} {name} in the namespace {namespace}"
    selected = _selected(name, "")
    answer = _typed(cluster.request("GET", kind.path(namespace), query=selected), kind)
    view, present = View("", {}).listed(answer)
    if not present:
        raise MissingObjectError(f"there is no {place}", "somebody deleted it, or it was never made", status=404)
    for change in itertools.chain(present, _watch(cluster, kind, namespace, selected, view, seconds)):
        other = bool(uid) and change.object["metadata"]["uid"] != uid
        if change.gone and not other:
            raise MissingObjectError(f"{place} was deleted underneath", "see who deleted it, and run again", status=404)
        if other and not change.gone:
            raise MissingObjectError(f"{place} is another one now", "see who replaced it, and run again", status=404)
        if not change.gone:
            yield change.object
    raise DeadlineError(f"{place} did not end within {seconds:g} seconds", "allow it more time, or see its events")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines; a last one without its end was cut off, and comes again."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line for line in whole if line.strip())


def _typed(answer: Object, kind: Kind) -> Object:
    """A list whose items name their kind, as they do in a watch."""
    for item in answer.get("items") or []:
        item |= {"apiVersion": kind.api_version, "kind": kind.kind}
    return answer


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])


def _refused(words: Object) -> None:
    code = int(words.get("code") or 500)
    if code == 410:
        raise _ForgottenError
    if not is_transient(code, words):
        raise refusal(code, words, what="watch", server="")
