"""Events that Kubernetes reports about an object."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import EVENT


@dataclass(frozen=True)
class Event:
    """An event.

    Attributes:
        time: time of the last occurrence, RFC 3339.
        reason: reason in one word.
        message: the message.
        warning: whether it is a warning.
    """

    time: str
    reason: str
    message: str
    warning: bool


def events_of(cluster: Cluster, item: Object) -> list[Event]:
    """The events of an object, oldest first.

    Args:
        cluster: client of the cluster.
        item: the object.

    Raises:
        ClusterError: the events cannot be read.
    """
    metadata = item["metadata"]
    query = {"fieldSelector": f"involvedObject.uid={metadata['uid']}"}
    answer = cluster.request("GET", EVENT.path(metadata["namespace"]), query=query)
    return sorted(map(_event, answer.get("items") or []), key=lambda event: event.time)


def warnings_of(cluster: Cluster, namespace: str, name: str) -> list[Event]:
    """The warnings about an object, and about objects whose names extend its name, oldest first.

    Args:
        cluster: client of the cluster.
        namespace: namespace of the object.
        name: name of the object.

    Raises:
        ClusterError: the events cannot be read.
    """
    answer = cluster.request("GET", EVENT.path(namespace), query={"fieldSelector": "type=Warning"})
    found = [item for item in answer.get("items") or [] if f"{item['involvedObject']['name']}-".startswith(f"{name}-")]
    return sorted(map(_event, found), key=lambda event: event.time)


def _event(item: Object) -> Event:
    series = item.get("series") or {}
    times = (series.get("lastObservedTime"), item.get("lastTimestamp"), item.get("eventTime"))
    time = next((found for found in times if found), item["metadata"].get("creationTimestamp") or "")
    warning = item.get("type") == "Warning"
    return Event(str(time), item.get("reason") or "", (item.get("message") or "").strip(), warning)
