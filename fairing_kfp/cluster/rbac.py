"""What steps may do with Kubernetes: one table of exactly the verbs that they use, and the manifests made from it.

`python -m fairing_kfp.cluster.rbac FOLDER` writes the manifests, one a feature.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

from fairing_kfp.cluster.rule import Rule, binding, role

ACCOUNTS = ("pipeline-runner", "default-editor")
"""As whom steps run: on KFP alone, and on Kubeflow with profiles."""

_APPLIED = ("create", "delete", "get", "patch")
_FOLLOWED = ("create", "delete", "get", "list", "patch", "watch")
_PODS = (
    Rule("", "pods", ("get", "list", "watch")),
    Rule("", "pods/log", ("get",)),
    Rule("", "events", ("list",)),
)
# A step that is retried becomes the owner of its job, and known to the job's pods.
_NODES = (Rule("", "pods", ("get", "list", "patch", "watch")), *_PODS[1:])
_SERVERS = (Rule("", "pods", ("list", "watch")), *_PODS[1:])

FEATURES: dict[str, tuple[Rule, ...]] = {
    "job": (Rule("batch", "jobs", _FOLLOWED), *_NODES),
    "trainjob": (Rule("trainer.kubeflow.org", "trainjobs", _FOLLOWED), *_NODES),
    "pytorchjob": (Rule("kubeflow.org", "pytorchjobs", _FOLLOWED), *_NODES),
    "tfjob": (Rule("kubeflow.org", "tfjobs", _FOLLOWED), *_NODES),
    "vertex": (Rule("", "pods", ("get",)),),
    "deployment": (
        Rule("apps", "deployments", _FOLLOWED),
        Rule("", "services", _APPLIED),
        Rule("networking.k8s.io", "ingresses", _APPLIED),
        Rule("autoscaling", "horizontalpodautoscalers", _APPLIED),
        *_SERVERS,
    ),
    "kserve": (Rule("serving.kserve.io", "inferenceservices", _FOLLOWED), *_SERVERS),
}

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/[^/]+)?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[^/?]+))?)?"
)
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update"}


def manifest(feature: str, namespace: str = "kubeflow", accounts: tuple[str, ...] = ACCOUNTS) -> str:
    """The Role and RoleBinding of a feature, as YAML to apply.

    Args:
        feature: a key of `FEATURES`.
        namespace: the namespace of the runs; `kubeflow` is that of KFP alone.
        accounts: the service accounts that get it.
    """
    name = f"fairing-kfp-{feature}"
    return yaml.safe_dump_all(
        [role(name, namespace, FEATURES[feature]), binding(name, namespace, accounts)], sort_keys=False
    )


def verb_of(method: str, path: str, query: str = "") -> Rule | None:
    """What a request needs to be allowed, as the API server sees it; None for what everybody may.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb

    Args:
        method: such as GET.
        path: without the query.
        query: without its question mark.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    name = match["name"]
    if method == "GET":
        verb = "watch" if re.search(r"(?:^|&)watch=(?:1|true)\b", query) else ("get" if name else "list")
    elif method == "DELETE":
        verb = "delete" if name else "deletecollection"
    else:
        verb = _VERBS[method]
    resource = f"{match['resource']}/{match['sub']}" if match["sub"] else match["resource"]
    return Rule(match["group"] or "", resource, (verb,))


def write(folder: Path) -> None:
    """Writes the manifests of all features into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for feature in FEATURES:
        (folder / f"{feature}.yaml").write_text(manifest(feature))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
