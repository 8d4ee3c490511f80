"""Canaries of an InferenceService in Standard mode, their readiness, and how they end."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fairing_kfp.cluster.mutators import environment
from fairing_kfp.errors import ConfigError, NotInstalledError, ServingError
from fairing_kfp.serving import kserve, rollback, rollout
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.canary import canary_of
from fairing_kfp.serving.pod import VERSION, ServingPod
from fairing_kfp.serving.spec import ServingSpec
from tests.support.serving_pods import main_object, serving_pod

KSERVE = backend("kserve")


def manifest(
    uri: str, *, canary: int | None = None, current: Any = None, pod: Any = None, **options: Any
) -> dict[str, Any]:
    spec = ServingSpec("digits", target="kserve", model_format="onnx", canary=canary, pod=pod or {}, **options)
    return KSERVE.manifests(ServingPod(spec, storage=uri), current)[0]


def in_cluster(applied: dict[str, Any], **status: Any) -> dict[str, Any]:
    """The object in the cluster, of which we own all fields."""
    state = copy.deepcopy(applied)
    owned = {"f:metadata": {"f:annotations": {}, "f:labels": {}}, "f:spec": {}}
    entry = {"manager": "fairing-kfp", "operation": "Apply", "fieldsV1": owned}
    labels = {"app.kubernetes.io/managed-by": "fairing-kfp", "fairing-kfp/serves": "digits"}
    state["metadata"] |= {"namespace": "n", "uid": "u", "generation": 5, "labels": labels, "managedFields": [entry]}
    return {**state, "status": status}


OLD = manifest("s3://models/1", replicas=2)


def test_a_canary_runs_beside_the_version_that_serves() -> None:
    both = manifest("s3://models/2", canary=10, current=in_cluster(OLD), replicas=3)
    canary = canary_of(both)

    assert canary is not None
    assert canary["trafficPercent"] == 10
    assert canary["predictor"]["name"] == "canary"
    assert canary["predictor"]["model"]["storageUri"] == "s3://models/2"
    assert both["spec"]["predictor"] == OLD["spec"]["predictor"], "the version that serves is not changed"
    assert not {"minReplicas", "maxReplicas"} & set(canary["predictor"]), "KServe rejects them"
    assert KSERVE.template(both)["metadata"]["labels"][VERSION] != OLD["spec"]["predictor"]["labels"][VERSION]


def test_a_next_canary_replaces_the_first_and_serving_it_ends_it() -> None:
    first = in_cluster(manifest("s3://models/2", canary=10, current=in_cluster(OLD)))
    second = manifest("s3://models/3", canary=30, current=first)
    promoted = manifest("s3://models/2", current=first)

    assert canary_of(second)["predictor"]["model"]["storageUri"] == "s3://models/3"  # type: ignore[index]
    assert second["spec"]["predictor"] == OLD["spec"]["predictor"]
    assert canary_of(promoted) is None
    assert promoted["spec"]["predictor"]["model"]["storageUri"] == "s3://models/2"


def test_a_version_with_no_other_to_share_with_gets_all_requests() -> None:
    assert canary_of(manifest("s3://models/1", canary=10)) is None
    assert canary_of(manifest("s3://models/1", canary=10, current=in_cluster(OLD))) is None


def test_versions_that_kserve_cannot_run_side_by_side_are_rejected() -> None:
    _, custom = main_object(serving_pod("kserve"))
    with pytest.raises(ConfigError, match="served by an image of its own"):
        manifest("s3://models/2", canary=10, current=in_cluster(custom))

    with_env = manifest("s3://models/1", pod=environment({"A": "1"})({"containers": [{"name": "main"}]}))
    with pytest.raises(ConfigError, match=r"would inherit model\.env"):
        manifest("s3://models/2", canary=10, current=in_cluster(with_env))


def _pod(version: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True"}]
    return {"metadata": {"labels": {VERSION: version}}, "status": {"conditions": conditions}}


def test_a_canary_is_ready_when_it_gets_its_share_and_the_rest_is_served() -> None:
    both = manifest("s3://models/2", canary=10, current=in_cluster(OLD))
    versions = [one["labels"][VERSION] for one in (both["spec"]["predictor"], both["spec"]["canary"][0]["predictor"])]
    old, new = map(_pod, versions)
    ready: Any = {"conditions": [{"type": "Ready", "status": "True"}], "observedGeneration": 1}
    share = {"name": "canary", "ready": True, "trafficPercent": 10}

    def is_ready(pods: list[Any], **status: Any) -> bool:
        return KSERVE.is_ready(in_cluster(both, **ready, canaryStatuses=[{**share, **status}]), pods)

    assert is_ready([old, new])
    assert not is_ready([old])
    assert not is_ready([new])
    assert not is_ready([old, new, _pod("first canary")])
    assert not is_ready([old, new], ready=False)
    assert not is_ready([old, new], trafficPercent=20)
    assert not KSERVE.is_ready(in_cluster(both, **ready), [old, new])


def test_a_version_is_ready_after_a_canary_whose_generation_kserve_did_not_count() -> None:
    """In Standard mode, KServe reports the generation of its Deployment, which a canary does not change."""
    status: Any = {"conditions": [{"type": "Ready", "status": "True"}], "observedGeneration": 2}
    served = [_pod(OLD["spec"]["predictor"]["labels"][VERSION])] * 2

    assert KSERVE.is_ready(in_cluster(OLD, **status), served)
    _, knative = main_object(serving_pod("kserve", mode="Knative"))
    pods = [_pod(KSERVE.template(knative)["metadata"]["labels"][VERSION])]
    assert not KSERVE.is_ready(in_cluster(knative, **status), pods)
    assert KSERVE.is_ready(in_cluster(knative, **{**status, "observedGeneration": 5}), pods)


def test_the_failure_and_the_sample_request_are_those_of_the_canary() -> None:
    both = manifest("s3://models/2", canary=10, current=in_cluster(OLD))
    failed = {"transitionStatus": "InvalidSpec", "lastFailureInfo": {"reason": "NoSupportingRuntime"}}
    state = in_cluster(both, canaryStatuses=[{"name": "canary", "modelStatus": failed}])

    assert KSERVE.failure(state) == "InvalidSpec: NoSupportingRuntime"
    assert KSERVE.failure(in_cluster(both, modelStatus=failed)) == ""
    assert KSERVE.newest_endpoint(state) == "http://digits-canary-predictor.n.svc"
    assert KSERVE.newest_endpoint(in_cluster(OLD)) == KSERVE.endpoint(state) == "http://digits-predictor.n.svc"


@pytest.mark.parametrize("fields", [{"predictor": {}}, {"predictor": {}, "canary": {}}])
def test_the_installed_kserve_decides_on_canaries(fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"properties": {"spec": {"properties": fields}}}
    monkeypatch.setattr(kserve, "find_kind", lambda *_: None)
    monkeypatch.setattr(kserve, "schema_of", lambda *_: schema)
    spec = ServingSpec("digits", target="kserve", model_format="onnx", canary=10)

    if "canary" in fields:
        KSERVE.check(None, spec)  # type: ignore[arg-type]
        return
    with pytest.raises(NotInstalledError, match=r"canary=10 of digits needs the field spec\.canary"):
        KSERVE.check(None, spec)  # type: ignore[arg-type]
    KSERVE.check(None, ServingSpec("digits", target="kserve", mode="Knative", canary=10))  # type: ignore[arg-type]


def test_an_image_that_is_rolled_back_to_gets_all_requests() -> None:
    _, split = main_object(serving_pod("kserve", mode="Knative", canary=10))
    wanted = "registry.example.com/me/p@sha256:" + "b" * 64

    predictor = KSERVE.with_content(split, wanted)["spec"]["predictor"]
    assert predictor["containers"][0]["image"] == wanted
    assert "canaryTrafficPercent" not in predictor


def test_a_uri_that_is_rolled_back_to_is_the_version_that_was_served() -> None:
    new = manifest("s3://models/2", replicas=2)
    both = manifest("s3://models/2", canary=10, current=in_cluster(OLD))

    assert KSERVE.with_content(new, "s3://models/1")["spec"] == OLD["spec"]
    assert KSERVE.with_content(both, "s3://models/2")["spec"] == new["spec"]


def test_a_promoted_canary_is_the_version_that_serving_it_makes() -> None:
    both = manifest("s3://models/2", canary=10, current=in_cluster(OLD), replicas=3)

    state = in_cluster(both)
    applied = copy.deepcopy(both)
    for predictor in (state["spec"]["predictor"], applied["spec"]["canary"][0]["predictor"]):  # by KServe
        predictor["model"] |= {"name": "kserve-container", "resources": {"limits": {"cpu": "1"}}}
    promoted = KSERVE.promoted(applied, state)
    assert promoted is not None
    assert promoted["spec"] == manifest("s3://models/2", replicas=2)["spec"], "with the pods of the version before it"
    assert (KSERVE.share(both), KSERVE.share(OLD)) == (10, 100)
    assert KSERVE.promoted(OLD, OLD) is None


def test_a_canary_of_knative_is_promoted_by_its_share() -> None:
    _, split = main_object(serving_pod("kserve", mode="Knative", canary=10))
    _, whole = main_object(serving_pod("kserve", mode="Knative"))

    assert KSERVE.promoted(split, split) == whole
    assert (KSERVE.share(split), KSERVE.share(whole)) == (10, 100)
    assert KSERVE.promoted(whole, whole) is None


class Cluster:
    """Has one InferenceService."""

    namespace = "n"

    def __init__(self, state: dict[str, Any]) -> None:
        self.applied: list[dict[str, Any]] = []
        self.state = state

    def request(self, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        if method == "PATCH":
            self.applied.append(body)
            return in_cluster(body)
        if path.endswith("/digits"):
            return copy.deepcopy(self.state)
        return {"resources": [{"kind": "InferenceService", "name": "inferenceservices", "namespaced": True}]}


def test_a_rollback_without_an_image_ends_the_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ready:
        def __init__(self, _: object, __: object, applied: Any, *___: object) -> None:
            self.state = applied.object

        def wait(self) -> Any:
            return self.state

    monkeypatch.setattr(rollout, "Readiness", Ready)
    cluster = Cluster(in_cluster(manifest("s3://models/2", canary=10, current=in_cluster(OLD))))

    assert rollback.rollback("digits", target="kserve", cluster=cluster) == "s3://models/1"  # type: ignore[arg-type]
    assert [one["spec"] for one in cluster.applied] == [OLD["spec"]]

    without = Cluster(in_cluster(OLD))
    with pytest.raises(ConfigError, match="digits has no canary that could end"):
        rollback.rollback("digits", target="kserve", cluster=without)  # type: ignore[arg-type]
    assert without.applied == []


def test_a_canary_that_fails_is_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __init__(self, *_: object) -> None: ...

        def wait(self) -> None:
            raise ServingError("it does not become ready")

    monkeypatch.setattr(rollout, "Readiness", Failing)
    cluster = Cluster(in_cluster(OLD))
    chosen = rollout.Rollout(cluster, KSERVE, "digits", 1, lambda line: None)  # type: ignore[arg-type]
    with pytest.raises(ServingError, match="rolled back to the previous version"):
        chosen.apply([manifest("s3://models/2", canary=10, current=chosen.previous)], lambda state: None)

    assert canary_of(cluster.applied[0]) is not None
    assert cluster.applied[-1]["spec"] == OLD["spec"]
