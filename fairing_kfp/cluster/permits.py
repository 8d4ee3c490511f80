"""Whether a role suffices, found out by requests that change nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.rbac import FEATURES, manifest
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.errors import ClusterError, ForbiddenError

_NOBODY = "fairing-kfp-nobody"
"""A name that no object has."""

_API = {"autoscaling": "autoscaling/v2", "serving.kserve.io": "serving.kserve.io/v1beta1"}
_PROBED = ("get", "list", "watch", "delete")
_USER = re.compile(r"(system:serviceaccount:(?P<home>[^:]+):(?P<account>\S+)) may not")


def check_permits(cluster: Cluster, feature: str) -> None:
    """Sees that a role allows what a feature does: reading and deleting; what is created or applied shows by itself.

    Args:
        cluster: is asked.
        feature: a key of `fairing_kfp.cluster.rbac.FEATURES`.

    Raises:
        ForbiddenError: it does not; the remedy is the role to apply.
        ClusterError: the cluster does not answer.
    """
    asked = [(rule, verb) for rule in FEATURES[feature] for verb in rule.verbs if verb in _PROBED]
    with ThreadPoolExecutor(8) as pool:
        refused = [error for error in pool.map(lambda one: _refused(cluster, *one), asked) if error]
    if not refused:
        return
    match = _USER.search(refused[0].message)
    remedy = refused[0].remedy
    if match:
        granted = manifest(feature, cluster.namespace, (match["account"],))
        remedy = f"apply what allows it (kubectl apply -f), or have it applied:\n{granted.strip()}"
    raise ForbiddenError("; ".join(dict.fromkeys(one.message for one in refused)), remedy, status=403)


def _refused(cluster: Cluster, rule: Rule, verb: str) -> ForbiddenError | None:
    """Why a verb is not allowed; None if it is."""
    resource, _, below = rule.resource.partition("/")
    kind = Kind(_API.get(rule.group, f"{rule.group}/v1" if rule.group else "v1"), "", resource)
    named = verb in ("get", "delete")
    query = {"list": {"limit": "1"}, "watch": {"watch": "1", "timeoutSeconds": "1"}, "delete": {"dryRun": "All"}}
    path = kind.path(cluster.namespace, _NOBODY if named else "", below)
    try:
        if verb == "watch":
            with cluster.stream(path, query["watch"], silence=2):
                return None
        cluster.request("DELETE" if verb == "delete" else "GET", path, query=query.get(verb, {}))
    except ForbiddenError as error:
        return error
    except ClusterError as error:
        if error.status != 404:
            raise
    return None
