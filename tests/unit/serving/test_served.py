"""What is served under a name: found, promoted and deleted, but only if it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.cluster.client import Object
from fairing_kfp.errors import ConfigError, ForeignObjectError, InvalidObjectError, MissingObjectError, ServingError
from fairing_kfp.serving import rollout, undeploy
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.promote import promote, promote_model
from fairing_kfp.serving.rollback import roll_back
from fairing_kfp.serving.served import find_served
from tests.support.serving_pods import IMAGE, main_object, serving_pod

_OURS = {"app.kubernetes.io/managed-by": "fairing-kfp", "fairing-kfp/serves": "digits"}
_FIELDS = {"f:metadata": {"f:labels": {}}, "f:spec": {}}


def stored(manifest: Object, labels: Any = _OURS, *, recorded: bool = True) -> Object:
    """An object in the cluster."""
    entry = {"manager": "fairing-kfp", "operation": "Apply", "fieldsV1": _FIELDS}
    metadata = {**manifest["metadata"], "namespace": "n", "uid": manifest["kind"], "labels": labels, "generation": 1}
    return {**manifest, "metadata": {**metadata, "managedFields": [entry] if recorded else []}}


class Cluster:
    """Has the given objects, by the names of their collections."""

    namespace = "n"

    def __init__(self, **objects: Object) -> None:
        self.objects = objects
        self.changed: list[tuple[str, str]] = []

    def request(self, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        if path.endswith("serving.kserve.io/v1beta1"):
            return {"resources": [{"kind": "InferenceService", "name": "inferenceservices", "namespaced": True}]}
        *_, collection, name = path.split("/")
        if name != "digits" or collection not in self.objects:
            raise MissingObjectError(f"no {path}", status=404)
        if method == "GET":
            return dict(self.objects[collection])
        self.changed.append((method, collection))
        if method == "DELETE":
            assert body["preconditions"] == {"uid": self.objects.pop(collection)["metadata"]["uid"]}
            return {}
        return stored(body)


def deployment() -> dict[str, Object]:
    """The objects of a Deployment with an Ingress."""
    collections = {"Deployment": "deployments", "Service": "services", "Ingress": "ingresses"}
    manifests = backend("deployment").manifests(serving_pod(host="digits.example.com"), None)
    return {collections[one["kind"]]: stored(one) for one in manifests}


def test_all_objects_are_deleted_the_main_object_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise MissingObjectError("it was deleted", status=404)
        yield

    monkeypatch.setattr(undeploy, "follow", gone)
    cluster: Any = Cluster(**deployment())
    deleted = undeploy.undeploy("digits", cluster=cluster)

    assert deleted == ("Ingress digits", "Service digits", "Deployment digits")
    assert cluster.changed == [("DELETE", "ingresses"), ("DELETE", "services"), ("DELETE", "deployments")]
    with pytest.raises(MissingObjectError, match="nothing is served as digits in the namespace n"):
        find_served(cluster, "digits")


@pytest.mark.parametrize("foreign", ["deployments", "services"])
def test_objects_of_others_are_never_found(foreign: str) -> None:
    objects = deployment()
    objects[foreign] = stored(objects[foreign], {"app": "digits"})
    cluster: Any = Cluster(**objects)

    with pytest.raises(ForeignObjectError, match="digits in the namespace n belongs to another owner: it lacks"):
        find_served(cluster, "digits")
    assert cluster.changed == []


def test_a_target_chooses_between_two_that_serve_one_name() -> None:
    _, service = main_object(serving_pod("kserve"))
    cluster: Any = Cluster(**deployment(), inferenceservices=stored(service))

    with pytest.raises(ConfigError, match="digits is served by a Deployment and InferenceService"):
        find_served(cluster, "digits")
    assert find_served(cluster, "digits", "kserve").resource == "InferenceService digits"
    with pytest.raises(ConfigError, match="target='pod' is not supported"):
        find_served(cluster, "digits", "pod")


def test_what_cannot_be_changed_is_told_before_anything_is() -> None:
    cluster: Any = Cluster(**deployment())
    model = find_served(cluster, "digits")

    with pytest.raises(ConfigError, match="Deployment digits has no canary: a Deployment does not split requests"):
        promote_model(model)
    with pytest.raises(ConfigError, match="Deployment digits has no canary that could end"):
        roll_back(model)
    with pytest.raises(ConfigError, match=f"Deployment digits serves {IMAGE}, and s3://m/1 cannot replace it"):
        roll_back(model, "s3://m/1")
    with pytest.raises(ConfigError, match=r"cannot be rolled back to registry\.example\.com/p:1, which has no digest"):
        roll_back(model, "registry.example.com/p:1")
    unrecorded: Any = Cluster(deployments=stored(deployment()["deployments"], recorded=False))
    with pytest.raises(InvalidObjectError, match="has no record of what fairing-kfp applied"):
        roll_back(find_served(unrecorded, "digits"), IMAGE)
    assert cluster.changed == unrecorded.changed == []


def test_a_promotion_whose_sample_request_fails_restores_the_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ready:
        def __init__(self, _: object, __: object, applied: Any, *___: object) -> None:
            self.state = applied.object

        def wait(self) -> Any:
            return self.state

    sent: list[object] = []

    def send(*request: object) -> None:
        sent.append(request)
        raise ServingError("the sample request failed")

    monkeypatch.setattr(rollout, "Readiness", Ready)
    _, split = main_object(serving_pod("kserve", mode="Knative", canary=10))
    cluster: Any = Cluster(inferenceservices=stored(split))
    with pytest.raises(ServingError, match="rolled back to the previous version"):
        promote_model(find_served(cluster, "digits"), [[1]], send)

    assert sent == [("http://digits-predictor.n.svc", "digits", [[1]])]
    assert cluster.changed == [("PATCH", "inferenceservices")] * 2
    assert promote_model(find_served(cluster, "digits"), [[1]], lambda *_: None) is not None
    _, whole = main_object(serving_pod("kserve", mode="Knative"))
    served: Any = Cluster(inferenceservices=stored(whole))
    assert promote("digits", cluster=served) == IMAGE
    assert served.changed == [], "it has no canary"
