"""The KServe backend."""

from __future__ import annotations

from typing import Any

from fairing_kfp.cluster.mutators import resources
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.pod import VERSION, ServingPod
from fairing_kfp.serving.spec import Autoscaling, ServingSpec
from tests.support.serving_pods import main_object, serving_pod


def test_replicas_are_fixed_or_scaled_by_kserve() -> None:
    fixed, scaled = (
        main_object(serving_pod("kserve", replicas=2))[1],
        main_object(serving_pod("kserve", autoscaling=Autoscaling(1, 4, 70)))[1],
    )

    assert fixed["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "none"
    assert fixed["spec"]["predictor"]["minReplicas"] == fixed["spec"]["predictor"]["maxReplicas"] == 2
    assert scaled["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "hpa"
    assert (scaled["spec"]["predictor"]["scaleMetric"], scaled["spec"]["predictor"]["scaleTarget"]) == ("cpu", 70)
    assert scaled["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"


def test_fields_that_knative_rejects_are_left_out() -> None:
    _, manifest = main_object(serving_pod("kserve", mode="Knative", canary=10, load_within=300))
    predictor = manifest["spec"]["predictor"]

    assert predictor["canaryTrafficPercent"] == 10
    assert manifest["metadata"]["annotations"]["serving.knative.dev/progress-deadline"] == "300s"
    assert not {"deploymentStrategy", "terminationGracePeriodSeconds", "automountServiceAccountToken"} & set(predictor)
    assert not {"lifecycle", "startupProbe"} & set(predictor["containers"][0])


def test_a_model_format_is_loaded_by_a_kserve_runtime() -> None:
    pod = resources(memory="2Gi")({"containers": [{"name": "main"}]})
    spec = ServingSpec("digits", target="kserve", model_format="sklearn", runtime="mine", pod=pod)
    _, manifest = main_object(ServingPod(spec, storage="s3://bucket/model"))

    assert manifest["spec"]["predictor"]["model"] == {
        "modelFormat": {"name": "sklearn"},
        "storageUri": "s3://bucket/model",
        "runtime": "mine",
        "resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}},
    }
    assert "containers" not in manifest["spec"]["predictor"]


def _pod(version: str, *, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {"metadata": {"labels": {VERSION: version}}, "status": {"conditions": [condition]}}


def _service(**predictor: Any) -> dict[str, Any]:
    status = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"predictor": {"minReplicas": 1, "labels": {VERSION: "new"}, **predictor}}
    return {"metadata": {"generation": 1, "name": "digits", "namespace": "n"}, "spec": spec, "status": status}


def test_kserve_is_ready_when_only_new_pods_are() -> None:
    is_ready = backend("kserve").is_ready

    assert is_ready(_service(), [_pod("new"), _pod("old", ready=False)])
    assert not is_ready(_service(), [_pod("new"), _pod("old")])  # although KServe reports Ready
    assert not is_ready(_service(), [_pod("old")])
    assert not is_ready(_service(minReplicas=2), [_pod("new")])
    assert is_ready(_service(canaryTrafficPercent=10), [_pod("new"), _pod("old")])
    assert not is_ready({**_service(), "status": {"observedGeneration": 1}}, [_pod("new")])


def test_failures_of_an_inference_service() -> None:
    state = _service()
    state["status"]["modelStatus"] = {
        "transitionStatus": "InvalidSpec",
        "lastFailureInfo": {"reason": "NoSupportingRuntime", "message": "no runtime for it"},
    }

    assert backend("kserve").failure(state) == "InvalidSpec: NoSupportingRuntime no runtime for it"
    assert backend("kserve").failure(_service()) == ""


def test_the_endpoint_is_that_of_the_status() -> None:
    state = _service()
    known = {**state, "status": {"address": {"url": "http://in"}, "url": "http://out"}}
    kserve = backend("kserve")

    assert kserve.endpoint(state) == "http://digits-predictor.n.svc"
    assert kserve.endpoint(known) == "http://in"
    assert kserve.external_urls(None, known, ServingSpec("digits", target="kserve")) == ["http://out"]  # type: ignore[arg-type]
