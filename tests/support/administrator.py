"""Requests to the testbed's API server with the rights of an administrator; each costs a tenth of a kubectl process."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.errors import MissingObjectError
from tests.support.waiting import eventually

SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")


def administrator() -> Cluster:
    """The client, which the tests of a process share."""
    return _client(os.environ.get("KUBECONFIG"))


@cache
def _client(file: str | None) -> Cluster:
    return Cluster(partial(from_kubeconfig, file=file), retry_timeout=20)


@cache
def kind_named(api_version: str, kind: str) -> Kind:
    """A kind of objects that the cluster serves."""
    return kind_of(administrator(), {"apiVersion": api_version, "kind": kind})


def _path(state: Object) -> str:
    metadata = state["metadata"]
    return kind_named(state["apiVersion"], state["kind"]).path(metadata.get("namespace", ""), metadata["name"])


def create(namespace: str, manifest: Object) -> Object:
    """Creates an object and returns it."""
    path = kind_named(manifest["apiVersion"], manifest["kind"]).path(namespace)
    return administrator().request("POST", path, body=manifest)


def current(state: Object) -> Object | None:
    """The current state of an object; None if it does not exist anymore."""
    try:
        return administrator().request("GET", _path(state))
    except MissingObjectError:
        return None


def listed(namespace: str, kind: Kind, selector: str = "") -> list[Object]:
    """The objects with some labels, without those that are being deleted."""
    return [item for item in remaining(namespace, kind, selector) if "deletionTimestamp" not in item["metadata"]]


def remaining(namespace: str, kind: Kind, selector: str = "") -> list[Object]:
    """The objects with some labels, also those that are being deleted."""
    found = administrator().request("GET", kind.path(namespace), query={"labelSelector": selector})
    # A list does not repeat the kind of its items.
    return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in found.get("items") or []]


def merge(state: Object, change: Object) -> Object:
    """Changes fields of an object, and returns it."""
    return administrator().request("PATCH", _path(state), body=change, content_type="application/merge-patch+json")


def delete(state: Object, grace: int | None = None) -> None:
    """Deletes an object, and later its dependents.

    Args:
        state: the object.
        grace: seconds that a pod has to end; as it says by default.
    """
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    options |= {} if grace is None else {"gracePeriodSeconds": grace}
    administrator().request("DELETE", _path(state), body=options)


def until(state: Object, holds: Callable[[Object], Any], seconds: float = 90) -> Object:
    """Waits until an object is as wanted, and returns it."""
    seen: Object | None = state

    def look() -> bool:
        nonlocal seen
        seen = current(state)
        return bool(seen and holds(seen))

    eventually(look, seconds, lambda: f"{_path(state)} is not as wanted: {seen}", pause=0.1)
    return seen or {}


def current_log(pod: Object) -> str:
    """What a pod with one container has written so far."""
    with administrator().stream(f"{_path(pod)}/log", {}, read_timeout=60) as chunks:
        return b"".join(chunks).decode()


def log_of(pod: Object, code: int = 0, seconds: float = 120) -> str:
    """The log of a pod with one container, once that has exited with a code."""

    seen = until(pod, lambda state: "terminated" in _state(state), seconds)
    log = current_log(pod)
    assert _state(seen)["terminated"]["exitCode"] == code, log
    return log


def _state(pod: Object) -> Object:
    """The state of a pod's container; empty if it has none yet."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return dict(statuses[0].get("state", {}))


@contextlib.contextmanager
def new_namespace() -> Iterator[str]:
    """Creates a namespace for the block, and deletes it with everything in it."""
    made = create(
        "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"fairing-{uuid.uuid4().hex[:10]}"}}
    )
    name = str(made["metadata"]["name"])
    try:
        # Pods need its account.
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": name, "name": "default"}}
        until(account, lambda _: True)
        yield name
    finally:
        delete(made)
