from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fairing_kfp.cluster import rbac
from fairing_kfp.cluster.refusal import refusal
from fairing_kfp.cluster.rule import Rule, missing_rule
from fairing_kfp.errors import ForbiddenError

FOLDER = Path(__file__).parents[3] / "components" / "rbac"


def test_manifests_are_current() -> None:
    files = {file.stem: file.read_text() for file in FOLDER.glob("*.yaml")}
    again = "write them anew: python -m fairing_kfp.cluster.rbac components/rbac"
    assert files == {feature: rbac.manifest(feature) for feature in rbac.FEATURES}, again


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
def test_verbs_are_those_of_the_server(method: str, path: str, query: str, rule: tuple[str, str, str] | None) -> None:
    found = rbac.verb_of(method, path, query)
    assert (found and (found.group, found.resource, *found.verbs)) == rule


def test_what_a_cluster_role_has_to_grant_is_one() -> None:
    text = missing_rule(Rule("", "nodes", ("list",)), "jane", "")
    granted, bound = yaml.safe_load_all(text)
    assert (granted["kind"], bound["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert bound["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}]


def test_admission_is_not_taken_for_a_missing_rule() -> None:
    words = {"message": 'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'}
    error = refusal(403, words, what="POST", server="s")
    assert isinstance(error, ForbiddenError)
    assert "violates PodSecurity" in error.message
    assert "Role" not in error.remedy
