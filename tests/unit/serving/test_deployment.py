"""The Deployment backend."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import MissingObjectError, NotInstalledError
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.spec import Autoscaling
from tests.support.serving_pods import serving_pod


def test_objects_follow_the_options() -> None:
    found = backend("deployment")
    given = serving_pod(
        host="a.example.com", ingress_class="nginx", service="LoadBalancer", autoscaling=Autoscaling(2, 4, 70)
    )
    deployment, service, ingress, scaler = found.manifests(given, None)

    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert deployment["spec"]["replicas"] == 2
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["type"] == "LoadBalancer"
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == service["metadata"]["name"]
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 4)
    assert [one["kind"] for one in found.manifests(serving_pod(), None)] == ["Deployment", "Service"]


def test_a_gateway_gets_a_route_in_place_of_the_ingress() -> None:
    given = serving_pod(host="a.example.com", gateway="infra/public", labels={"team": "a"})
    _, service, route = backend("deployment").manifests(given, None)

    assert (route["apiVersion"], route["kind"]) == ("gateway.networking.k8s.io/v1", "HTTPRoute")
    assert route["spec"]["hostnames"] == ["a.example.com"]
    (parent,) = route["spec"]["parentRefs"]
    assert (parent["kind"], parent["namespace"], parent["name"]) == ("Gateway", "infra", "public")
    (target,) = route["spec"]["rules"][0]["backendRefs"]
    assert target == {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
    assert route["metadata"]["labels"] == service["metadata"]["labels"]


class _Discovery:
    """A cluster that serves one group of kinds."""

    def __init__(self, group: str) -> None:
        self.group = group

    def request(self, _: str, path: str, **__: Any) -> Any:
        if path != f"/apis/{self.group}":
            raise MissingObjectError("not found", status=404)
        return {"resources": [{"kind": "HTTPRoute", "name": "httproutes", "namespaced": True}]}


def test_routes_need_the_gateway_api() -> None:
    found = backend("deployment")
    installed, lacking = _Discovery("gateway.networking.k8s.io/v1"), _Discovery("gateway.networking.k8s.io/v1beta1")
    spec = serving_pod(host="a.example.com", gateway="infra/public").spec

    found.check(installed, spec)  # type: ignore[arg-type]
    with pytest.raises(NotInstalledError, match=r"HTTPRoute of gateway\.networking\.k8s\.io/v1") as caught:
        found.check(lacking, spec)  # type: ignore[arg-type]
    assert "install the Gateway API" in caught.value.remedy
    found.check(lacking, serving_pod(host="a.example.com").spec)  # type: ignore[arg-type]
    kinds = [[kind.kind for kind in found.kinds(one)] for one in (installed, lacking)]  # type: ignore[arg-type]
    assert kinds[0] == [*kinds[1], "HTTPRoute"]


def _scaled(replicas: int, *, ours: bool) -> dict[str, Any]:
    fields = {"f:spec": {"f:replicas": {}} if ours else {"f:template": {}}}
    entry = {"manager": "fairing-kfp", "operation": "Apply", "fieldsV1": fields}
    return {"metadata": {"managedFields": [entry]}, "spec": {"replicas": replicas}}


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (None, 2),
        (_scaled(1, ours=True), 2),
        (_scaled(3, ours=True), 3),
        (_scaled(9, ours=True), 4),
        (_scaled(3, ours=False), None),
    ],
)
def test_an_autoscaler_starts_from_our_replicas(before: Any, wanted: int | None) -> None:
    given = serving_pod(autoscaling=Autoscaling(2, 4))

    assert backend("deployment").manifests(given, before)[0]["spec"].get("replicas") == wanted


def _deployment(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 2, **status}}


ROLLED = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (ROLLED, True),
        ({**ROLLED, "observedGeneration": 1}, False),
        ({**ROLLED, "replicas": 3}, False),
        ({**ROLLED, "updatedReplicas": 1}, False),
        ({**ROLLED, "availableReplicas": 1}, False),
        ({}, False),
    ],
)
def test_a_deployment_is_ready_when_all_its_pods_are_new_and_available(status: dict[str, int], ready: bool) -> None:
    assert backend("deployment").is_ready(_deployment(**status), []) is ready


def test_failures_of_a_deployment() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}

    assert (
        backend("deployment").failure(_deployment(conditions=[refused]))
        == "Kubernetes rejects its pods: exceeded quota"
    )
    assert "no progress" in backend("deployment").failure(_deployment(conditions=[late]))
    assert backend("deployment").failure(_deployment(conditions=[late], observedGeneration=1)) == ""
    assert backend("deployment").failure(_deployment()) == ""


def test_the_endpoint_is_the_service() -> None:
    assert backend("deployment").endpoint({"metadata": {"name": "digits", "namespace": "n"}}) == "http://digits.n.svc"
