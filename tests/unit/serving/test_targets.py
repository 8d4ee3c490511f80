"""What the targets apply, and how they read what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.cluster.mutators import composed, environment, image_pull_secret, resources
from fairing_kfp.serving.order import Autoscaling, Order
from fairing_kfp.serving.served import VERSION, Served
from fairing_kfp.serving.target import Target, target

IMAGE = "registry.example.com/me/p@sha256:" + "a" * 64
OTHER = "registry.example.com/me/p@sha256:" + "b" * 64
TARGETS = ("deployment", "kserve")


def served(kind: str = "deployment", **options: Any) -> Served:
    return Served(Order("digits", image=IMAGE, target=kind, **options), IMAGE, 10 << 20)  # type: ignore[arg-type]


def main(given: Served) -> tuple[Target, dict[str, Any]]:
    found = target(given.order.target)
    return found, found.manifests(given, None)[0]


@pytest.mark.parametrize("kind", TARGETS)
def test_pods_have_no_privilege_and_are_watched(kind: str) -> None:
    found, manifest = main(served(kind))
    pod = found.template(manifest)["spec"]
    container = pod["containers"][0]

    assert container["name"] == found.container
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["resources"]["requests"] == {"cpu": "100m", "memory": "266Mi"}
    assert container["resources"]["limits"] == {"memory": "1044Mi"}
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] == 600


@pytest.mark.parametrize("kind", TARGETS)
def test_what_the_author_wants_goes_before_ours(kind: str) -> None:
    writable = {"containers": [{"name": "main", "securityContext": {"readOnlyRootFilesystem": False}}]}
    change = composed(resources(memory="4Gi"), environment({"HOME": "/home", "A": "1"}), image_pull_secret("other"))
    wanted = change({**writable, "nodeSelector": {"a": "b"}})
    found, manifest = main(served(kind, pod=wanted, registry_secret="login"))
    pod = found.template(manifest)["spec"]
    container = pod["containers"][0]
    env = {one["name"]: one["value"] for one in container["env"]}

    assert len(pod["containers"]) == 1
    assert (env["HOME"], env["A"], env["FAIRING_MODEL_NAME"]) == ("/home", "1", "digits")
    assert container["resources"]["limits"]["memory"] == "4Gi"
    assert container["securityContext"]["readOnlyRootFilesystem"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["nodeSelector"] == {"a": "b"}
    assert pod["imagePullSecrets"] == [{"name": "login"}, {"name": "other"}]


@pytest.mark.parametrize("kind", TARGETS)
def test_another_image_is_another_version_and_the_first_again_is_the_first(kind: str) -> None:
    found, manifest = main(served(kind))
    other = found.with_image(manifest, OTHER)
    version = found.template(manifest)["metadata"]["labels"][VERSION]

    assert found.template(other)["spec"]["containers"][0]["image"] == OTHER
    assert found.template(other)["metadata"]["labels"][VERSION] != version
    assert found.with_image(other, IMAGE) == manifest
    assert found.template(main(served(kind, load_within=10))[1])["metadata"]["labels"][VERSION] != version


def test_deployments_have_what_is_wanted_beside() -> None:
    found = target("deployment")
    given = served(
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
    assert [one["kind"] for one in found.manifests(served(), None)] == ["Deployment", "Service"]


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
def test_an_autoscaler_decides_from_where_we_leave_it(before: Any, wanted: int | None) -> None:
    given = served(autoscaling=Autoscaling(2, 4))

    assert target("deployment").manifests(given, before)[0]["spec"].get("replicas") == wanted


def test_kserve_keeps_the_number_of_pods_or_scales_by_its_own_means() -> None:
    fixed, scaled = main(served("kserve", replicas=2))[1], main(served("kserve", autoscaling=Autoscaling(1, 4, 70)))[1]

    assert fixed["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert fixed["spec"]["predictor"]["minReplicas"] == fixed["spec"]["predictor"]["maxReplicas"] == 2
    assert scaled["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "hpa"
    assert (scaled["spec"]["predictor"]["scaleMetric"], scaled["spec"]["predictor"]["scaleTarget"]) == ("cpu", 70)
    assert scaled["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_knative_is_not_told_what_it_refuses() -> None:
    _, manifest = main(served("kserve", mode="Knative", canary=10, load_within=300))
    predictor = manifest["spec"]["predictor"]

    assert predictor["canaryTrafficPercent"] == 10
    assert manifest["metadata"]["annotations"]["serving.knative.dev/progress-deadline"] == "300s"
    assert not {"deploymentStrategy", "terminationGracePeriodSeconds", "automountServiceAccountToken"} & set(predictor)
    assert not {"lifecycle", "startupProbe"} & set(predictor["containers"][0])


def test_a_model_format_is_loaded_by_a_runtime_of_kserve() -> None:
    pod = resources(memory="2Gi")({"containers": [{"name": "main"}]})
    order = Order("digits", target="kserve", model_format="sklearn", runtime="mine", pod=pod)
    _, manifest = main(Served(order, storage="s3://bucket/model"))

    assert manifest["spec"]["predictor"]["model"] == {
        "modelFormat": {"name": "sklearn"},
        "storageUri": "s3://bucket/model",
        "runtime": "mine",
        "resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}},
    }
    assert "containers" not in manifest["spec"]["predictor"]


def _deployment(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 2, **status}}


ROLLED = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "arrived"),
    [
        (ROLLED, True),
        ({**ROLLED, "observedGeneration": 1}, False),
        ({**ROLLED, "replicas": 3}, False),
        ({**ROLLED, "updatedReplicas": 1}, False),
        ({**ROLLED, "availableReplicas": 1}, False),
        ({}, False),
    ],
)
def test_a_deployment_has_arrived_when_all_its_pods_are_new_and_serve(status: dict[str, int], arrived: bool) -> None:
    assert target("deployment").arrived(_deployment(**status), []) is arrived


def test_a_deployment_says_why_it_fails() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}

    assert target("deployment").failure(_deployment(conditions=[refused])) == "its pods are refused: exceeded quota"
    assert "no progress" in target("deployment").failure(_deployment(conditions=[late]))
    assert target("deployment").failure(_deployment(conditions=[late], observedGeneration=1)) == ""
    assert target("deployment").failure(_deployment()) == ""


def _pod(version: str, *, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {"metadata": {"labels": {VERSION: version}}, "status": {"conditions": [condition]}}


def _service(**predictor: Any) -> dict[str, Any]:
    status = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"predictor": {"minReplicas": 1, "labels": {VERSION: "new"}, **predictor}}
    return {"metadata": {"generation": 1, "name": "digits", "namespace": "n"}, "spec": spec, "status": status}


def test_kserve_has_arrived_when_the_new_pods_serve_alone() -> None:
    arrived = target("kserve").arrived

    assert arrived(_service(), [_pod("new"), _pod("old", ready=False)])
    assert not arrived(_service(), [_pod("new"), _pod("old")])  # KServe says Ready all the same
    assert not arrived(_service(), [_pod("old")])
    assert not arrived(_service(minReplicas=2), [_pod("new")])
    assert arrived(_service(canaryTrafficPercent=10), [_pod("new"), _pod("old")])
    assert not arrived({**_service(), "status": {"observedGeneration": 1}}, [_pod("new")])


def test_kserve_says_why_it_fails() -> None:
    state = _service()
    state["status"]["modelStatus"] = {
        "transitionStatus": "InvalidSpec",
        "lastFailureInfo": {"reason": "NoSupportingRuntime", "message": "no runtime for it"},
    }

    assert target("kserve").failure(state) == "InvalidSpec: NoSupportingRuntime no runtime for it"
    assert target("kserve").failure(_service()) == ""


def test_endpoints_are_those_within_the_cluster() -> None:
    state = _service()
    known = {**state, "status": {"address": {"url": "http://in"}, "url": "http://out"}}

    assert target("deployment").endpoint(state) == "http://digits.n.svc"
    assert target("kserve").endpoint(state) == "http://digits-predictor.n.svc"
    assert target("kserve").endpoint(known) == "http://in"
    assert target("kserve").outside(None, known, Order("digits", target="kserve")) == ["http://out"]  # type: ignore[arg-type]
