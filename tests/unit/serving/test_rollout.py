"""Rollouts, and rollbacks of those that fail."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.objects import Applied
from fairing_kfp.errors import ClusterError, MissingObjectError, ServingError, SupersededError
from fairing_kfp.serving import rollout
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.deployment import AUTOSCALER
from fairing_kfp.serving.rollout import Rollout
from fairing_kfp.serving.spec import Autoscaling
from tests.support.serving_pods import serving_pod

BACKEND = backend("deployment")


class Cluster:
    """Keeps applied objects by kind."""

    namespace = "n"

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.broken = False

    def request(self, *_: object, **__: object) -> Any:
        raise MissingObjectError("no such API", status=404)

    def find(self, _: object, kind: Kind, *__: object) -> Object | None:
        found = self.objects.get(kind.kind)
        return dict(found) if found else None

    def apply(self, _: object, manifest: Object, *__: object, **___: object) -> Applied:
        if self.broken:
            raise ClusterError("no answer")
        created = manifest["kind"] not in self.objects
        state = {**manifest, "metadata": {**manifest["metadata"], "namespace": "n", "uid": "u"}}
        self.objects[manifest["kind"]] = state
        return Applied(state, created)

    def delete(self, _: object, kind: Kind, *__: object, **___: object) -> bool:
        return self.objects.pop(kind.kind, None) is not None


class Readiness:
    """Is ready at once, or fails."""

    error: Exception | None = None

    def __init__(self, _: object, __: object, applied: Applied, *___: object) -> None:
        self.state = applied.object

    def wait(self) -> Object:
        if self.error is not None:
            raise self.error
        return self.state


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    for name in ("find", "apply", "delete"):
        monkeypatch.setattr(rollout, name, getattr(cluster, name))
    monkeypatch.setattr(rollout, "check_owner", lambda *_: None)
    monkeypatch.setattr(rollout, "last_applied", dict)
    kinds = {kind.kind: kind for kind in BACKEND.kinds(cluster)}  # type: ignore[arg-type]
    monkeypatch.setattr(rollout, "kind_of", lambda _, manifest: kinds[manifest["kind"]])
    monkeypatch.setattr(rollout, "Readiness", Readiness)
    monkeypatch.setattr(Readiness, "error", None)
    return cluster


def roll_out(cluster: Cluster, log: list[str] | None = None, **options: Any) -> rollout.RolloutResult:
    chosen = Rollout(cluster, BACKEND, "digits", 1, (log if log is not None else []).append)  # type: ignore[arg-type]
    return chosen.apply(BACKEND.manifests(serving_pod(**options), chosen.previous), lambda state: None)


def test_the_same_version_again_changes_nothing(cluster: Cluster) -> None:
    first, again, other = roll_out(cluster), roll_out(cluster), roll_out(cluster, replicas=2)

    assert [result.changed for result in (first, again, other)] == [True, False, True]
    assert first.previous is None
    assert again.previous is not None


def test_objects_that_a_version_does_not_have_are_deleted(cluster: Cluster) -> None:
    log: list[str] = []
    roll_out(cluster, autoscaling=Autoscaling())
    assert AUTOSCALER.kind in cluster.objects

    assert roll_out(cluster, log).changed
    assert AUTOSCALER.kind not in cluster.objects
    assert log == ["deleting HorizontalPodAutoscaler digits, which this version does not have"]


def test_replicas_are_those_of_a_version_whatever_the_deleted_autoscaler_changed(cluster: Cluster) -> None:
    roll_out(cluster, autoscaling=Autoscaling())
    chosen = Rollout(cluster, BACKEND, "digits", 1, lambda line: None)  # type: ignore[arg-type]
    manifests = BACKEND.manifests(serving_pod(), chosen.previous)

    def scale(state: Object) -> None:
        cluster.objects["Deployment"] = {**state, "spec": {**state["spec"], "replicas": 3}}

    chosen.apply(manifests, scale)
    assert cluster.objects["Deployment"]["spec"]["replicas"] == 1


def test_a_first_version_that_fails_is_deleted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Readiness, "error", ServingError("it does not become ready"))
    with pytest.raises(ServingError, match=r"it does not become ready\n\(there was no previous version; deleted\)"):
        roll_out(cluster)

    assert cluster.objects == {}


def test_a_later_version_that_fails_is_rolled_back(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    roll_out(cluster)
    before = dict(cluster.objects)
    monkeypatch.setattr(Readiness, "error", ServingError("it does not become ready"))
    with pytest.raises(ServingError, match="rolled back to the previous version"):
        roll_out(cluster, replicas=2)

    assert cluster.objects == before


def test_a_rollback_that_fails_is_part_of_the_error(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    roll_out(cluster)
    chosen = Rollout(cluster, BACKEND, "digits", 1, lambda line: None)  # type: ignore[arg-type]

    def confirm(state: Object) -> None:
        cluster.broken = True
        raise ServingError("the sample request failed")

    with pytest.raises(ServingError, match=r"the sample request failed\n\(rolling back failed: no answer\)"):
        chosen.apply(BACKEND.manifests(serving_pod(replicas=2), chosen.previous), confirm)


def test_a_superseded_version_is_not_rolled_back(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    roll_out(cluster)
    monkeypatch.setattr(Readiness, "error", SupersededError("another version was applied"))
    with pytest.raises(SupersededError):
        roll_out(cluster, replicas=2)

    assert cluster.objects["Deployment"]["spec"]["replicas"] == 2
