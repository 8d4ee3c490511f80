"""Events: what Kubernetes' parts say about an object."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import EVENT


@dataclass(frozen=True)
class Event:
    """What was said about an object.

    Attributes:
        time: when it was last said.
        reason: one word.
        message: the rest.
        warning: whether something is wrong.
    """

    time: str
    reason: str
    message: str
    warning: bool


def events_of(cluster: Cluster, item: Object) -> list[Event]:
    """The events of an object, the newest last.

    Args:
        cluster: is asked.
        item: the object.

    Raises:
        ClusterError: Kubernetes refuses to tell.
    """
    metadata = item["metadata"]
    query = {"fieldSelector": f"involvedObject.uid={metadata['uid']}"}
    answer = cluster.request("GET", EVENT.path(metadata["namespace"]), query=query)
    return sorted(map(_event, answer.get("items") or []), key=lambda event: event.time)


def warnings_of(cluster: Cluster, namespace: str, name: str) -> list[Event]:
    """What went wrong with an object of a name, and with those that it made and that begin with that name.

    Args:
        cluster: is asked.
        namespace: the object's.
        name: the object's.

    Raises:
        ClusterError: Kubernetes refuses to tell.
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
