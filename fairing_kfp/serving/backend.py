"""Backends: the objects that serve a model, and how their status shows that the new version is ready.

A backend is one module of this folder, which defines `BACKEND`, and one name in `serving.spec.Target`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.objects import condition
from fairing_kfp.serving.pod import VERSION, ServingPod
from fairing_kfp.serving.spec import ServingSpec


class Backend(Protocol):
    """Kubernetes objects that serve a model. The main object is the one that creates pods."""

    kind: str
    """Kind of the main object."""

    feature: str
    """Name of the RBAC role; see `fairing_kfp.cluster.rbac`."""

    container: str
    """Name of the container with the server."""

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """The kinds of all objects that may be created, the main object's first.

        Raises:
            ClusterError: the cluster does not serve a kind.
        """
        ...

    def check(self, cluster: Cluster, spec: ServingSpec) -> None:
        """Checks that the cluster supports the options of a spec.

        Raises:
            NotInstalledError: an option needs a kind or a field that the cluster does not have.
            ClusterError: the API server does not answer.
        """
        ...

    def manifests(self, pod: ServingPod, current: Object | None) -> list[Object]:
        """The objects to apply, the main object first.

        Args:
            pod: the pods' content.
            current: the main object as it is in the cluster, if it exists.
        """
        ...

    def template(self, manifest: Object) -> Object:
        """The pod template of the main object, of its newest version: `metadata` and `spec`."""
        ...

    def with_content(self, manifest: Object, content: str) -> Object:
        """The main object with another image, or another URI of a model that KServe loads, for all requests."""
        ...

    def without_canary(self, manifest: Object) -> Object | None:
        """The main object without its canary, so that the version before it gets all requests; None if it has none."""
        ...

    def promoted(self, manifest: Object, state: Object) -> Object | None:
        """The main object whose canary gets all requests; None if it has none.

        Args:
            manifest: the main object as it was applied.
            state: the main object as it is in the cluster.
        """
        ...

    def share(self, state: Object) -> int:
        """The percentage of requests that the newest version gets."""
        ...

    def is_ready(self, state: Object, pods: Sequence[Object]) -> bool:
        """Whether the requested version gets all requests that it should.

        Args:
            state: the main object.
            pods: the pods that its labels select.
        """
        ...

    def failure(self, state: Object) -> str:
        """Why the version cannot become ready; empty while it still may."""
        ...

    def service(self, state: Object) -> str:
        """The name of the Service whose endpoints are the pods; empty if several share the requests."""
        ...

    def endpoint(self, state: Object) -> str:
        """The URL within the cluster."""
        ...

    def newest_endpoint(self, state: Object) -> str:
        """The URL within the cluster of the newest version alone, if it has its own; otherwise the endpoint."""
        ...

    def external_urls(self, cluster: Cluster, state: Object, spec: ServingSpec) -> list[str]:
        """The URLs from outside the cluster, as far as they are known."""
        ...


def backend(target: str) -> Backend:
    """The backend that a spec names as its target."""
    found: Backend = importlib.import_module(f"fairing_kfp.serving.{target}").BACKEND
    return found


def resource(spec: ServingSpec) -> str:
    """The kind and name of the main object: `Deployment digits`."""
    return f"{backend(spec.target).kind} {spec.name}"


def content_of(template: Object) -> str:
    """The image of a pod template; the URI of a model that KServe loads itself.

    Args:
        template: `metadata` and `spec`; see `Backend.template`.
    """
    spec = template["spec"]
    if "model" in spec:
        return str(spec["model"].get("storageUri") or "")
    return str((spec.get("containers") or [{}])[0].get("image") or "")


def is_observed(state: Object) -> bool:
    """Whether the object's controller has seen its latest generation."""
    return int((state.get("status") or {}).get("observedGeneration") or 0) >= int(state["metadata"]["generation"])


def is_pod_ready(pod: Object) -> bool:
    """Whether a pod gets requests."""
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def has_version(pod: Object, version: str) -> bool:
    """Whether a pod belongs to a version."""
    return (pod["metadata"].get("labels") or {}).get(VERSION) == version
