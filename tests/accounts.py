"""Service accounts that may do little, and a client that notes what it needs to be allowed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import Access, Source, from_kubeconfig
from fairing_kfp.cluster.rbac import FEATURES, verb_of

Used = set[tuple[str, str, str]]


class RecordedCluster(Cluster):
    """Notes group, resource and verb of each request, in `used`."""

    def __init__(self, source: Source, patience: float = 20, used: Used | None = None) -> None:
        self.used = used if used is not None else set()
        super().__init__(source, patience)

    def apart(self, patience: float) -> RecordedCluster:
        return RecordedCluster(self._source, patience, self.used)

    def _send(self, method: str, path: str, query: Any, *rest: Any) -> Any:
        rule = verb_of(method, path, urlencode(query))
        if rule:
            self.used.add((rule.group, rule.resource, *rule.verbs))
        return super()._send(method, path, query, *rest)


def granted(feature: str) -> Used:
    """What the role of a feature allows."""
    return {(rule.group, rule.resource, verb) for rule in FEATURES[feature] for verb in rule.verbs}


def account_with(kubectl: Callable[..., str], namespace: str, manifests: str = "") -> Access:
    """The access of a fresh service account that may do what manifests allow to `pipeline-runner`, and no more."""
    return access_of(kubectl, namespace, service_account(kubectl, namespace, manifests))


def access_of(kubectl: Callable[..., str], namespace: str, account: str) -> Access:
    """The access of a service account."""
    token = kubectl("-n", namespace, "create", "token", account).strip()
    admin = from_kubeconfig()
    return Access(admin.server, namespace, f"Bearer {token}", admin.ca, verify=admin.verify)


def service_account(kubectl: Callable[..., str], namespace: str, manifests: str = "") -> str:
    """The name of a fresh service account that may do what manifests allow to `pipeline-runner`, and no more."""
    name = f"limited-{uuid.uuid4().hex[:6]}"
    kubectl("-n", namespace, "create", "serviceaccount", name)
    if manifests:
        # Bindings and roles of their own: other tests apply the same manifests for other accounts.
        mine = re.sub(r"name: fairing-kfp-(\S+)", rf"name: fairing-kfp-\1-{name}", manifests)
        kubectl("apply", "-f", "-", input=mine.replace("pipeline-runner", name))
    return name
