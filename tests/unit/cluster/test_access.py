from __future__ import annotations

from typing import Any, cast

import pytest
import yaml

from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.rbac import FEATURES
from fairing_kfp.errors import ForbiddenError, MissingObjectError

USER = "system:serviceaccount:home:robot"


class Reviewer:
    """A cluster that answers reviews; `denied` has the resources and verbs that it denies."""

    namespace = "n"

    def __init__(self, *denied: tuple[str, str], user: str = USER) -> None:
        self.denied, self.user = set(denied), user
        self.reviewed: set[tuple[str, str, str]] = set()

    def request(self, method: str, path: str, *, body: Any) -> dict[str, Any]:
        assert method == "POST"
        assert path.endswith(f"/{body['kind'].lower()}s")
        if body["kind"] == "SelfSubjectReview":
            if not self.user:
                raise MissingObjectError("the server could not find the requested resource", status=404)
            return {"status": {"userInfo": {"username": self.user}}}
        attributes = body["spec"]["resourceAttributes"]
        assert attributes["namespace"] == self.namespace
        resource = "/".join(filter(None, (attributes["resource"], attributes["subresource"])))
        self.reviewed.add((attributes["group"], resource, attributes["verb"]))
        return {"status": {"allowed": (resource, attributes["verb"]) not in self.denied}}


def check(reviewer: Reviewer, feature: str = "deployment") -> None:
    check_access(cast(Cluster, reviewer), feature)


@pytest.mark.parametrize("feature", FEATURES)
def test_every_verb_of_the_role_is_reviewed(feature: str) -> None:
    reviewer = Reviewer()
    check(reviewer, feature)
    assert reviewer.reviewed == {(rule.group, rule.resource, verb) for rule in FEATURES[feature] for verb in rule.verbs}


def test_missing_permissions_are_named_and_the_whole_role_is_the_remedy() -> None:
    with pytest.raises(ForbiddenError) as caught:
        check(Reviewer(("pods", "list"), ("pods", "watch"), ("pods/log", "get")))
    assert caught.value.message == f"{USER} may not list, watch pods; get pods/log in the namespace n"
    granted, bound = yaml.safe_load_all(caught.value.remedy.partition("\n")[2])
    assert granted["rules"] == [rule.as_json() for rule in FEATURES["deployment"]]
    assert granted["metadata"] == {"name": "fairing-kfp-deployment", "namespace": "n"}
    assert bound["subjects"] == [{"kind": "ServiceAccount", "name": "robot", "namespace": "home"}]


def test_before_kubernetes_1_28_the_user_is_unknown() -> None:
    with pytest.raises(ForbiddenError, match="this step may not list pods") as caught:
        check(Reviewer(("pods", "list"), user=""))
    granted, _ = yaml.safe_load_all(caught.value.remedy.partition("\n")[2])
    assert granted["rules"] == [rule.as_json() for rule in FEATURES["deployment"]]
