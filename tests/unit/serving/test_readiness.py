"""Waiting until a version is ready."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fairing_kfp.cluster.kinds import DEPLOYMENT, POD
from fairing_kfp.cluster.objects import Applied
from fairing_kfp.cluster.watch import Change
from fairing_kfp.errors import ServingError, SupersededError
from fairing_kfp.serving import endpoints, failure, readiness
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.pod import VERSION
from fairing_kfp.serving.readiness import Readiness
from tests.support.serving_pods import main_object, serving_pod

NAMESPACE = "n"


def deployment(*, ready: bool = False, version: str = "", **status: Any) -> dict[str, Any]:
    """The Deployment as the cluster returns it."""
    manifest = main_object(serving_pod())[1]
    manifest["metadata"] |= {"namespace": NAMESPACE, "uid": "u", "generation": 1}
    if version:
        manifest["spec"]["template"]["metadata"]["labels"][VERSION] = version
    counts = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1} if ready else {}
    return {**manifest, "status": {"observedGeneration": 1, **counts, **status}}


def pod(name: str = "digits-1", *, version: str | None = None, **status: Any) -> dict[str, Any]:
    labels = deployment()["spec"]["template"]["metadata"]["labels"]
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": name,
            "labels": {VERSION: version or labels[VERSION]},
        },
        "spec": {"containers": [{"name": "predictor"}]},
        "status": {"phase": "Running", **status},
    }


def crashed(restarts: int) -> dict[str, Any]:
    terminated = {"exitCode": 1, "reason": "Error"}
    state = {"name": "predictor", "restartCount": restarts, "state": {"terminated": terminated}}
    return pod(containerStatuses=[state])


class Cluster:
    """Has pods, and no events and no logs."""

    def __init__(self, pods: list[Any]) -> None:
        self.pods = pods

    def request(self, method: str, path: str, **_: object) -> Any:
        return {"items": self.pods if path == POD.path(NAMESPACE) else []}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(readiness, "_SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(readiness, "_STARTUP_SECONDS", 0.2)
    monkeypatch.setattr(readiness, "kind_of", lambda *_: DEPLOYMENT)
    monkeypatch.setattr(failure, "last_lines", lambda *_: [])
    monkeypatch.setattr(failure, "events_of", lambda *_: [])


def wait(
    monkeypatch: pytest.MonkeyPatch,
    states: list[Any],
    pods: list[Any],
    log: list[str] | None = None,
    slices: list[Any] | None = None,
    unseen: bool = False,
) -> Any:
    """Waits for the Deployment's version; the watch of the pods has yielded nothing yet if they are unseen."""

    def follow(*_: object, **__: object) -> Iterator[Any]:
        yield from states

    def watch(*_: object, **__: object) -> Iterator[Change]:
        for one in [] if unseen else pods:
            yield Change(one)

    monkeypatch.setattr(endpoints, "watch", lambda *_, **__: map(Change, slices or []))
    monkeypatch.setattr(readiness, "follow", follow)
    monkeypatch.setattr(readiness, "watch", watch)
    lines: list[str] = [] if log is None else log
    applied = Applied(deployment(), created=True)
    return Readiness(Cluster(pods), backend("deployment"), applied, 0, lines.append).wait()  # type: ignore[arg-type]


def test_a_ready_version_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wait(monkeypatch, [deployment(), deployment(ready=True)], [pod()]) == deployment(ready=True)


def test_another_version_supersedes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SupersededError, match="another version of Deployment digits"):
        wait(monkeypatch, [deployment(version="other")], [])


def test_pods_of_another_version_must_end_first(monkeypatch: pytest.MonkeyPatch) -> None:
    old = pod("old", version="old")
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    monkeypatch.setattr(readiness, "_TERMINATION_SECONDS", 0.1)  # then they count as gone

    assert wait(monkeypatch, [deployment(ready=True)], [old])


def test_pods_that_end_are_known_before_their_watch_yields_them(monkeypatch: pytest.MonkeyPatch) -> None:
    old = pod("old", version="old")
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    monkeypatch.setattr(readiness, "_TERMINATION_SECONDS", 0.3)
    began = time.monotonic()

    assert wait(monkeypatch, [deployment(ready=True)], [pod("new"), old], unseen=True)
    assert time.monotonic() - began > 0.3


def endpoint_slice(**ready: bool) -> dict[str, Any]:
    """An EndpointSlice with the pods of these names, and whether they get new connections."""
    listed = [{"targetRef": {"uid": name}, "conditions": {"ready": value}} for name, value in ready.items()]
    return {"kind": "EndpointSlice", "metadata": {"name": "digits-a", "uid": "digits-a"}, "endpoints": listed}


@pytest.mark.parametrize(
    ("slices", "gone"),
    [
        ([endpoint_slice(old=True), endpoint_slice(old=True, new=True), endpoint_slice(old=False, new=True)], True),
        ([endpoint_slice(new=True)], True),
        ([endpoint_slice(old=True, new=True)], False),
        ([endpoint_slice(old=False)], False),
        ([], False),
    ],
    ids=["ends", "gone", "still", "none", "unknown"],
)
def test_a_version_is_alone_once_the_service_sends_nothing_to_pods_that_end(
    slices: list[Any], gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = pod("old", version="old")
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    monkeypatch.setattr(readiness, "_PROXY_SECONDS", 0.05)
    monkeypatch.setattr(readiness, "_TERMINATION_SECONDS", 60 if gone else 0.3)
    began = time.monotonic()

    assert wait(monkeypatch, [deployment(ready=True)], [pod("new"), old], slices=slices)
    assert gone or time.monotonic() - began > 0.3


def test_a_container_that_exits_twice_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServingError, match=r"Deployment digits does not become ready: .*exit code 1"):
        wait(monkeypatch, [], [crashed(1)])
    with pytest.raises(ServingError, match="did not become ready within 0 seconds"):
        wait(monkeypatch, [], [crashed(0)])


def test_a_failure_of_the_deployment_counts_if_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    with pytest.raises(ServingError, match="Kubernetes rejects its pods: exceeded quota") as caught:
        wait(monkeypatch, [deployment(conditions=[rejected])], [])
    assert "request less" in caught.value.remedy


def test_an_unschedulable_pod_is_logged_until_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    log: list[str] = []
    with pytest.raises(ServingError, match="did not become ready"):
        wait(monkeypatch, [], [pod(phase="Pending", conditions=[condition])], log)

    assert len(log) == 1
    assert log[0].startswith("waiting: ")
    assert "0/1 nodes" in log[0]
