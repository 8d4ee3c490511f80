from __future__ import annotations

import pytest
import yaml

from fairing_kfp.cluster.errors import error_from_status
from fairing_kfp.cluster.rule import Rule, granting_role
from fairing_kfp.errors import ForbiddenError
from tests.support.accounts import required_rule


@pytest.mark.parametrize(
    ("method", "path", "query", "rule"),
    [
        ("GET", "/api/v1/namespaces/n/pods", "", ("", "pods", "list")),
        ("GET", "/api/v1/namespaces/n/pods", "a=b&watch=1", ("", "pods", "watch")),
        ("GET", "/api/v1/namespaces/n/pods/p", "", ("", "pods", "get")),
        ("GET", "/api/v1/namespaces/n/pods/p/log", "follow=true", ("", "pods/log", "get")),
        ("POST", "/apis/batch/v1/namespaces/n/jobs", "", ("batch", "jobs", "create")),
        ("PATCH", "/apis/apps/v1/namespaces/n/deployments/d", "", ("apps", "deployments", "patch")),
        ("DELETE", "/apis/batch/v1/namespaces/n/jobs/j", "", ("batch", "jobs", "delete")),
        ("DELETE", "/apis/batch/v1/namespaces/n/jobs", "", ("batch", "jobs", "deletecollection")),
        ("GET", "/apis/batch/v1", "", None),
        ("GET", "/version", "", None),
    ],
)
def test_required_rule_of_a_request(method: str, path: str, query: str, rule: tuple[str, str, str] | None) -> None:
    found = required_rule(method, path, query)
    assert (found and (found.group, found.resource, *found.verbs)) == rule


def test_rule_outside_namespaces_is_granted_by_a_cluster_role() -> None:
    text = granting_role([Rule("", "nodes", ("list",))], "jane", "")
    granted, bound = yaml.safe_load_all(text)
    assert (granted["kind"], bound["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert bound["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]


def test_rejected_admission_is_not_a_missing_rule() -> None:
    status = {"message": 'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'}
    error = error_from_status(403, status, request="POST", server="s")
    assert isinstance(error, ForbiddenError)
    assert "violates PodSecurity" in error.message
    assert "Role" not in error.remedy
