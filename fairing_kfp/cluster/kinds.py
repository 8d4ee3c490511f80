"""Kinds of objects: what the cluster calls them, and where they are."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.errors import ClusterError, MissingObjectError, NotInstalledError

_PROVIDERS = {
    "trainer.kubeflow.org": "Kubeflow Trainer",
    "kubeflow.org": "Kubeflow's Training Operator",
    "serving.kserve.io": "KServe",
    "jobset.x-k8s.io": "JobSet",
}


@dataclass(frozen=True)
class Kind:
    """A kind of objects.

    Attributes:
        api_version: its group and version: `batch/v1`, or `v1` of the core.
        kind: its name: `Job`.
        plural: its name in paths: `jobs`.
        namespaced: whether its objects are in namespaces.
    """

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """Where an object is, or all of them if no name is given."""
        place = f"/namespaces/{namespace}" if self.namespaced else ""
        parts = [part for part in (name, subresource) if part]
        return "/".join([f"{_root(self.api_version)}{place}/{self.plural}", *parts])


POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
JOB = Kind("batch/v1", "Job", "jobs")
SERVICE = Kind("v1", "Service", "services")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")


def find_kind(cluster: Cluster, api_version: str, kind: str) -> Kind:
    """Asks the cluster for a kind of objects; whoever has a token may ask.

    Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api

    Args:
        cluster: is asked.
        api_version: as in a manifest.
        kind: likewise.

    Raises:
        NotInstalledError: the cluster does not know it.
        ClusterError: the cluster does not answer.
    """
    try:
        found = cluster.request("GET", _root(api_version))
    except MissingObjectError as error:
        raise _not_installed(api_version, kind, "no such API") from error
    for resource in found.get("resources", []):
        if resource["kind"] == kind and "/" not in resource["name"]:
            return Kind(api_version, kind, resource["name"], resource["namespaced"])
    known = sorted({resource["kind"] for resource in found.get("resources", [])})
    raise _not_installed(api_version, kind, f"that API has {', '.join(known) or 'nothing'}")


def kind_of(cluster: Cluster, manifest: Object) -> Kind:
    """The kind of a manifest; see `find_kind`.

    Raises:
        ClusterError: the manifest names none, or the cluster does not know it.
    """
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if not api_version or not kind:
        raise ClusterError("a manifest lacks its apiVersion or kind", "add both, as kubectl wants them")
    for known in (POD, JOB, SERVICE, DEPLOYMENT):
        if (known.api_version, known.kind) == (api_version, kind):
            return known
    return find_kind(cluster, api_version, kind)


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _not_installed(api_version: str, kind: str, cause: str) -> NotInstalledError:
    provider = _PROVIDERS.get(api_version.partition("/")[0])
    return NotInstalledError(
        f"the cluster does not know {kind} of {api_version}: {cause}",
        f"have {provider} installed, or choose another kind"
        if provider
        else "check apiVersion and kind against: kubectl api-resources",
        status=404,
    )
