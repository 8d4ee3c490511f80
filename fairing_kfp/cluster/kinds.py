"""Kinds of Kubernetes objects: their names, paths and schemas."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.errors import ClusterError, MissingObjectError, NotInstalledError

_PROVIDERS = {
    "trainer.kubeflow.org": "Kubeflow Trainer",
    "kubeflow.org": "the Kubeflow Training Operator",
    "serving.kserve.io": "KServe",
    "jobset.x-k8s.io": "JobSet",
    "gateway.networking.k8s.io": "the Gateway API",
}


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        api_version: group and version: `batch/v1`, or `v1` for the core group.
        kind: name of the kind: `Job`.
        plural: name in paths: `jobs`.
        namespaced: whether its objects are in namespaces.
    """

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The path of an object, or of the collection if there is no name."""
        place = f"/namespaces/{namespace}" if self.namespaced else ""
        parts = [part for part in (name, subresource) if part]
        return "/".join([f"{_root(self.api_version)}{place}/{self.plural}", *parts])


POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
JOB = Kind("batch/v1", "Job", "jobs")
SERVICE = Kind("v1", "Service", "services")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")


def find_kind(cluster: Cluster, api_version: str, kind: str) -> Kind:
    """Finds a kind by discovery, which requires no permission.

    Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api

    Args:
        cluster: client of the cluster.
        api_version: group and version, as in a manifest.
        kind: name of the kind, as in a manifest.

    Raises:
        NotInstalledError: the cluster does not serve the kind.
        ClusterError: the API server does not answer.
    """
    try:
        found = cluster.request("GET", _root(api_version))
    except MissingObjectError as error:
        raise _not_installed(api_version, kind, "no such API") from error
    for resource in found.get("resources", []):
        if resource["kind"] == kind and "/" not in resource["name"]:
            return Kind(api_version, kind, resource["name"], resource["namespaced"])
    known = sorted({resource["kind"] for resource in found.get("resources", [])})
    raise _not_installed(api_version, kind, f"that API has {', '.join(known) or 'no kinds'}")


def kind_of(cluster: Cluster, manifest: Object) -> Kind:
    """The kind of a manifest.

    Raises:
        ClusterError: the manifest names no kind, or the cluster does not serve it.
    """
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not api_version or not kind:
        raise ClusterError("a manifest lacks its apiVersion or kind", "set both")
    for known in (POD, JOB, SERVICE, DEPLOYMENT):
        if (known.api_version, known.kind) == (api_version, kind):
            return known
    return find_kind(cluster, api_version, kind)


def schema_of(cluster: Cluster, kind: Kind) -> Object:
    """The OpenAPI schema of a custom resource in the installed version. Requires no permission.

    Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3

    Args:
        cluster: client of the cluster.
        kind: a kind outside the core group.

    Raises:
        MissingObjectError: the cluster has no schema of the kind.
        ClusterError: the API server does not answer.
    """
    answer = cluster.request("GET", f"/openapi/v3/apis/{kind.api_version}")
    group, _, version = kind.api_version.partition("/")
    wanted = {"group": group, "version": version, "kind": kind.kind}
    for schema in answer["components"]["schemas"].values():
        if wanted in schema.get("x-kubernetes-group-version-kind", []):
            return dict(schema)
    raise MissingObjectError(
        f"the cluster has no schema of {kind.kind} in {kind.api_version}", "check its custom resource definition"
    )


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _not_installed(api_version: str, kind: str, cause: str) -> NotInstalledError:
    provider = _PROVIDERS.get(api_version.partition("/")[0])
    return NotInstalledError(
        f"the cluster does not serve {kind} of {api_version}: {cause}",
        f"install {provider}, or choose another kind"
        if provider
        else "compare apiVersion and kind with: kubectl api-resources",
        status=404,
    )
