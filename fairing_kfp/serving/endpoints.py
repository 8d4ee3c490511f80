"""The pods that get new connections to a Service.

Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

from collections.abc import Iterator

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import ENDPOINT_SLICE
from fairing_kfp.cluster.watch import Change, watch
from fairing_kfp.errors import ClusterError


class Endpoints:
    """The EndpointSlices of a Service.

    Args:
        cluster: the Service's cluster.
        namespace: its namespace.
        service: its name.
    """

    def __init__(self, cluster: Cluster, namespace: str, service: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._labels = f"kubernetes.io/service-name={service}"
        self._slices: dict[str, Object] = {}

    def is_readable(self) -> bool:
        """Whether slices may be read: a role that was granted by an earlier release does not allow it."""
        try:
            self._cluster.request("GET", ENDPOINT_SLICE.path(self._namespace), query={"labelSelector": self._labels})
        except ClusterError:
            return False
        return True

    def watch(self) -> Iterator[Change]:
        """Yields the slices, then each change, for `update`."""
        return watch(self._cluster, ENDPOINT_SLICE, self._namespace, labels=self._labels)

    def update(self, change: Change) -> None:
        """Records a change."""
        uid = change.object["metadata"]["uid"]
        if change.deleted:
            self._slices.pop(uid, None)
        else:
            self._slices[uid] = change.object

    @property
    def pods(self) -> set[str]:
        """The uids of pods that get new connections: those that are ready, and do not terminate."""
        endpoints = [endpoint for one in self._slices.values() for endpoint in one.get("endpoints") or []]
        return {
            str((endpoint.get("targetRef") or {}).get("uid"))
            for endpoint in endpoints
            if (endpoint.get("conditions") or {}).get("ready") is not False
        }
