"""An RBAC rule, and the roles that grant it.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class Rule:
    """Verbs that are allowed on a resource.

    Attributes:
        group: API group; empty for the core group.
        resource: plural name of the resource, with a subresource: `pods/log`.
        verbs: verbs, such as `get`.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The resource as kubectl names it: `jobs.batch`."""
        resource, slash, subresource = self.resource.partition("/")
        return f"{resource}.{self.group}{slash}{subresource}" if self.group else self.resource

    def as_json(self) -> dict[str, Any]:
        """The rule as a Role lists it."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": list(self.verbs)}


def role(name: str, namespace: str, rules: Sequence[Rule]) -> dict[str, Any]:
    """A Role.

    Args:
        name: name of the role.
        namespace: namespace in which it applies.
        rules: rules that it grants.
    """
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": [rule.as_json() for rule in rules],
    }


def binding(name: str, namespace: str, accounts: tuple[str, ...]) -> dict[str, Any]:
    """A RoleBinding that grants a role to service accounts of the same namespace.

    Args:
        name: name of the role, and of the binding.
        namespace: namespace in which it applies.
        accounts: names of service accounts.
    """
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace} for account in accounts],
    }


def granting_role(rules: Sequence[Rule], user: str, namespace: str, name: str = "") -> str:
    """The role and binding that grant rules to a user, as YAML.

    Args:
        rules: rules to grant.
        user: name of the user, as Kubernetes has it.
        namespace: namespace in which they apply; empty for a cluster role.
        name: name of the role; by default from the first rule.
    """
    verbs = "-".join(rules[0].verbs)
    name = name or f"fairing-kfp-{verbs}-{rules[0].name}".replace("/", "-").replace(".", "-")
    granted = role(name, namespace, rules)
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
