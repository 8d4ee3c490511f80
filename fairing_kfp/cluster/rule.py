"""A rule of RBAC, and the YAML that grants it.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class Rule:
    """What may be done with a resource.

    Attributes:
        group: its API group; empty for the core.
        resource: its plural, and a subresource: `pods/log`.
        verbs: such as `get`.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The resource as kubectl names it: `jobs.batch`."""
        resource, slash, rest = self.resource.partition("/")
        return f"{resource}.{self.group}{slash}{rest}" if self.group else self.resource

    def as_json(self) -> dict[str, Any]:
        """The rule as a Role lists it."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": list(self.verbs)}


def role(name: str, namespace: str, rules: tuple[Rule, ...]) -> dict[str, Any]:
    """A Role.

    Args:
        name: the role's.
        namespace: where it holds.
        rules: what it allows.
    """
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": [rule.as_json() for rule in rules],
    }


def binding(name: str, namespace: str, accounts: tuple[str, ...]) -> dict[str, Any]:
    """A RoleBinding that gives a role to service accounts of the same namespace.

    Args:
        name: the role's, and the binding's.
        namespace: where it holds.
        accounts: names of service accounts.
    """
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace} for account in accounts],
    }


def missing_rule(rule: Rule, user: str, namespace: str) -> str:
    """The YAML that grants a user what was refused.

    Args:
        rule: what was refused.
        user: who asked, as Kubernetes names them.
        namespace: where; empty for what has no namespace.
    """
    verbs = "-".join(rule.verbs)
    name = f"fairing-kfp-{verbs}-{rule.name}".replace("/", "-").replace(".", "-")
    granted = role(name, namespace, (rule,))
    bound = binding(name, namespace, ())
    if user.startswith(_ACCOUNT):
        home, _, account = user.removeprefix(_ACCOUNT).partition(":")
        bound["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": home}]
    else:
        bound["subjects"] = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    if not namespace:
        del granted["metadata"]["namespace"], bound["metadata"]["namespace"]
        granted["kind"] = bound["roleRef"]["kind"] = "ClusterRole"
        bound["kind"] = "ClusterRoleBinding"
    return yaml.safe_dump_all([granted, bound], sort_keys=False).strip()
