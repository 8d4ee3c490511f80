"""RBAC rules of the built-in steps, with exactly the verbs that they use. Kinds of training jobs declare their own."""

from __future__ import annotations

import yaml

from fairing_kfp.cluster.rule import Rule, binding, role

ACCOUNTS = ("pipeline-runner", "default-editor")
"""Service accounts of steps: on standalone KFP, and in the profiles of Kubeflow."""

_APPLIED = ("create", "delete", "get", "patch")
FOLLOWED = ("create", "delete", "get", "list", "patch", "watch")
"""Verbs for an object that a step creates, watches and deletes."""

_PODS = (
    Rule("", "pods", ("get", "list", "watch")),
    Rule("", "pods/log", ("get",)),
    Rule("", "events", ("list",)),
)
NODES = (Rule("", "pods", ("get", "list", "patch", "watch")), *_PODS[1:])
"""Rules for the pods of a training job. A retried step patches them, since it takes over its job."""

_SERVERS = (Rule("", "pods", ("list", "watch")), *_PODS[1:])

FEATURES: dict[str, tuple[Rule, ...]] = {
    "vertex": (Rule("", "pods", ("get",)),),
    "deployment": (
        Rule("apps", "deployments", FOLLOWED),
        Rule("", "services", _APPLIED),
        Rule("discovery.k8s.io", "endpointslices", ("list", "watch")),
        Rule("networking.k8s.io", "ingresses", _APPLIED),
        Rule("gateway.networking.k8s.io", "httproutes", _APPLIED),
        Rule("autoscaling", "horizontalpodautoscalers", _APPLIED),
        *_SERVERS,
    ),
    "build": (
        Rule("batch", "jobs", ("create", "delete", "get")),
        Rule("", "pods", ("get", "list")),
        Rule("", "pods/attach", ("create", "get")),
        Rule("", "pods/log", ("get",)),
        Rule("", "events", ("list",)),
    ),
    "dockerfile": (
        Rule("batch", "jobs", ("create", "delete", "get")),
        Rule("", "pods", ("get", "list", "watch")),
        Rule("", "pods/attach", ("create", "get")),
        *_PODS[1:],
    ),
    "kserve": (Rule("serving.kserve.io", "inferenceservices", FOLLOWED), *_SERVERS),
}


def role_manifest(
    feature: str, rules: tuple[Rule, ...], namespace: str = "kubeflow", accounts: tuple[str, ...] = ACCOUNTS
) -> str:
    """The Role and RoleBinding of a feature, as YAML for `kubectl apply`.

    Args:
        feature: name of the feature, in the name of the role.
        rules: what the role allows.
        namespace: namespace of the runs; `kubeflow` for standalone KFP.
        accounts: service accounts that are granted the role.
    """
    name = f"fairing-kfp-{feature}"
    return yaml.safe_dump_all([role(name, namespace, rules), binding(name, namespace, accounts)], sort_keys=False)
