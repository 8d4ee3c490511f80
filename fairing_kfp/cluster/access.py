"""Checks of permissions, before a step uses them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.errors import permission_error
from fairing_kfp.cluster.rbac import FEATURES, role_manifest
from fairing_kfp.cluster.rule import Rule, granting_role
from fairing_kfp.errors import MissingObjectError


def check_access(cluster: Cluster, feature: str, namespace: str = "", rules: Sequence[Rule] = ()) -> None:
    """Checks that the caller has the role of a feature in a namespace. Changes nothing.

    Args:
        cluster: client with the caller's credentials.
        feature: a key of `fairing_kfp.cluster.rbac.FEATURES`, or the name of a kind of training job.
        namespace: the namespace; by default the cluster's.
        rules: the rules of the role; by default those in `FEATURES`.

    Raises:
        ForbiddenError: a permission is missing; the remedy is the role.
        ClusterError: the API server does not answer.
    """
    namespace = namespace or cluster.namespace
    rules = rules or FEATURES[feature]
    missing = list(_missing(cluster, rules, namespace))
    if not missing:
        return
    user = _user(cluster)
    if not user:
        raise permission_error("this step", namespace, missing, role_manifest(feature, tuple(rules), namespace))
    role = granting_role(rules, user, namespace, f"fairing-kfp-{feature}")
    raise permission_error(user, namespace, missing, role)


def _missing(cluster: Cluster, rules: Sequence[Rule], namespace: str) -> Iterator[Rule]:
    """The rules that the caller lacks, with the verbs that it lacks."""
    with ThreadPoolExecutor(8) as pool:
        reviews = [[pool.submit(_is_allowed, cluster, rule, verb, namespace) for verb in rule.verbs] for rule in rules]
    for rule, allowed in zip(rules, reviews, strict=True):
        verbs = tuple(verb for verb, review in zip(rule.verbs, allowed, strict=True) if not review.result())
        if verbs:
            yield replace(rule, verbs=verbs)


def _is_allowed(cluster: Cluster, rule: Rule, verb: str, namespace: str) -> bool:
    resource, _, subresource = rule.resource.partition("/")
    attributes = {
        "namespace": namespace,
        "verb": verb,
        "group": rule.group,
        "resource": resource,
        "subresource": subresource,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = cluster.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
    return bool(answer["status"]["allowed"])


def _user(cluster: Cluster) -> str:
    """The name of the caller; empty before Kubernetes 1.28, which does not tell."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = cluster.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=review)
    except MissingObjectError:
        return ""
    return str(answer["status"]["userInfo"]["username"])
