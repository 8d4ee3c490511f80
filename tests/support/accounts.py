"""Service accounts with few permissions, and a client that records which permissions it uses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import yaml

from fairing_kfp.cluster.client import Cluster, Request
from fairing_kfp.cluster.connect import ClusterConfig, ConfigSource
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.pipeline.roles import rules_by_feature
from tests.support.administrator import SERVICE_ACCOUNT, administrator, create
from tests.support.waiting import eventually

Used = set[tuple[str, str, str]]

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/[^/]+)?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[^/?]+))?)?"
)
_SELF_REVIEWS = ("selfsubjectaccessreviews", "selfsubjectreviews")
_VERBS = {"POST": "create", "PATCH": "patch", "PUT": "update"}


class RecordedCluster(Cluster):
    """Records the group, resource and verb of each request in `used`."""

    def __init__(self, source: ConfigSource, retry_timeout: float = 20, used: Used | None = None) -> None:
        self.used = used if used is not None else set()
        super().__init__(source, retry_timeout)

    def clone(self, retry_timeout: float) -> RecordedCluster:
        return RecordedCluster(self._source, retry_timeout, self.used)

    def _send(self, request: Request) -> Any:
        rule = required_rule(request.method, request.path, urlencode(request.query))
        if rule:
            self.used.add((rule.group, rule.resource, *rule.verbs))
        return super()._send(request)


def granted(feature: str) -> Used:
    """The permissions that the role of a feature grants."""
    return {(rule.group, rule.resource, verb) for rule in rules_by_feature()[feature] for verb in rule.verbs}


def account_with(namespace: str, manifests: str = "") -> ClusterConfig:
    """The configuration of a new service account with the roles that manifests grant to `pipeline-runner`."""
    return config_of(namespace, service_account(namespace, manifests))


def config_of(namespace: str, account: str, **bound: Any) -> ClusterConfig:
    """The client configuration of a service account.

    Args:
        namespace: namespace of the account.
        account: name of the account.
        bound: object that the token is bound to, as `boundObjectRef`.
    """
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": bound}
    path = SERVICE_ACCOUNT.path(namespace, account, "token")
    token = administrator().request("POST", path, body=request)["status"]["token"]
    admin = administrator().config
    return ClusterConfig(admin.server, namespace, f"Bearer {token}", admin.ca, verify=admin.verify)


def service_account(namespace: str, manifests: str = "") -> str:
    """Creates a service account with the roles that manifests grant to `pipeline-runner`, and returns its name."""
    name = f"limited-{uuid.uuid4().hex[:6]}"
    create(namespace, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    # With names of their own, since other tests create the same manifests for other accounts.
    mine = re.sub(r"name: fairing-kfp-(\S+)", rf"name: fairing-kfp-\1-{name}", manifests)
    granted = [one for one in yaml.safe_load_all(mine.replace("pipeline-runner", name)) if one]
    for one in granted:
        create(one["metadata"]["namespace"], one)
    if granted:
        role = [one for one in granted if one["kind"] == "Role"][-1]
        eventually(lambda: _may(role, namespace, name), why=lambda: f"{name} has not got its roles", pause=0.05)
    return name


def _may(role: Mapping[str, Any], namespace: str, account: str) -> bool:
    """Whether an account may do what a role grants: the API server notices new roles after a moment."""
    rule = role["rules"][-1]
    wanted = {"namespace": role["metadata"]["namespace"], "verb": rule["verbs"][0], "group": rule["apiGroups"][0]}
    wanted["resource"], _, wanted["subresource"] = rule["resources"][0].partition("/")
    spec = {"user": f"system:serviceaccount:{namespace}:{account}", "resourceAttributes": wanted}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(administrator().request("POST", path, body=review)["status"]["allowed"])


def required_rule(method: str, path: str, query: str = "") -> Rule | None:
    """The RBAC rule that a request requires; None if it requires no permission.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb

    Args:
        method: HTTP method.
        path: path of the request.
        query: query string.
    """
    match = _PATH.fullmatch(path)
    if match is None or match["resource"] in _SELF_REVIEWS:
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
