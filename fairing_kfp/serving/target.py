"""What the targets have in common: objects that serve, and how it is seen that the new version does.

Each target is a module of its own with one class; `target` picks it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.served import VERSION, Served


class Target(Protocol):
    """By what a predictor is served."""

    feature: str
    """Whose role it needs; see `fairing_kfp.cluster.rbac`."""

    container: str
    """The name of the container with the server."""

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """The kinds of all that may be made for it, that with the pods first.

        Raises:
            ClusterError: the cluster does not know one.
        """
        ...

    def manifests(self, served: Served, before: Object | None) -> list[Object]:
        """The objects, that with the pods first.

        Args:
            served: what is served.
            before: the first of them as it is there, if it is.
        """
        ...

    def template(self, manifest: Object) -> Object:
        """What the first object says of its pods: `metadata` and `spec`."""
        ...

    def with_image(self, manifest: Object, image: str) -> Object:
        """The first object with another image, and the version that follows."""
        ...

    def arrived(self, state: Object, pods: Sequence[Object]) -> bool:
        """Whether the version that the object asks for serves, and no other any more.

        Args:
            state: the first object as it is.
            pods: those with its labels.
        """
        ...

    def failure(self, state: Object) -> str:
        """Why it will not; empty while it still may."""
        ...

    def endpoint(self, state: Object) -> str:
        """Where the first object is reached within the cluster, as a URL."""
        ...

    def outside(self, cluster: Cluster, state: Object, order: Order) -> list[str]:
        """Where it is reached from elsewhere, as far as that is known."""
        ...


def target(name: str) -> Target:
    """The target that an order names."""
    made: Target = importlib.import_module(f"fairing_kfp.serving.{name}").TARGET
    return made


def condition(state: Object, kind: str) -> Mapping[str, str]:
    """A condition of an object's status, whether it holds or not; empty if there is none."""
    found = (state.get("status") or {}).get("conditions") or []
    return next((one for one in found if one["type"] == kind), {})


def is_observed(state: Object) -> bool:
    """Whether its controller has seen what is asked for."""
    return int((state.get("status") or {}).get("observedGeneration") or 0) >= int(state["metadata"]["generation"])


def is_ready(pod: Object) -> bool:
    """Whether a pod gets requests."""
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def is_of(pod: Object, version: str) -> bool:
    """Whether a pod is one of a version."""
    return (pod["metadata"].get("labels") or {}).get(VERSION) == version
