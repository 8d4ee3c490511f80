"""Which fields a kind of objects has in the installed version."""

from __future__ import annotations

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.errors import MissingObjectError


def schema_of(cluster: Cluster, kind: Kind) -> Object:
    """The OpenAPI schema of a kind that a custom resource definition defines; whoever has a token may ask.

    Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3

    Args:
        cluster: is asked.
        kind: of a group, not of the core.

    Raises:
        MissingObjectError: the cluster does not describe it.
        ClusterError: the cluster does not answer.
    """
    answer = cluster.request("GET", f"/openapi/v3/apis/{kind.api_version}")
    group, _, version = kind.api_version.partition("/")
    wanted = {"group": group, "version": version, "kind": kind.kind}
    for schema in answer["components"]["schemas"].values():
        if wanted in schema.get("x-kubernetes-group-version-kind", []):
            return dict(schema)
    raise MissingObjectError(
        f"the cluster does not describe {kind.kind} of {kind.api_version}", "see that its definition has a schema"
    )
