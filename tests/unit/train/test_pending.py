"""Pending pods: what is logged, how often, and when the step fails."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import ForbiddenError, JobFailedError
from fairing_kfp.train import pending as pending_module
from fairing_kfp.train.pending import PendingPods
from fairing_kfp.train.spec import JobSpec

JOB: dict[str, Any] = {"metadata": {"name": "j", "namespace": "n", "uid": "job"}, "spec": {}}


class Cluster:
    """A cluster with events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.refuses = False

    def request(self, method: str, path: str, *, query: dict[str, str]) -> dict[str, Any]:
        self.asked.append(query)
        if self.refuses:
            raise ForbiddenError("may not list events")
        return {"items": self.events}


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, **spec: Any) -> None:
        self.now = 1000.0
        monkeypatch.setattr(pending_module.time, "monotonic", lambda: self.now)
        self.cluster, self.messages = Cluster(), list[str]()
        described = JobSpec(kind="job", name="train", image="i", **spec)
        self.pending = PendingPods(self.cluster, described, self.messages.append)  # type: ignore[arg-type]

    def look(self, after: float, *pods: dict[str, Any], job: dict[str, Any] = JOB) -> None:
        self.now += after
        self.pending.check(job, dict(enumerate(pods)))

    def looks(self, times: int, *pods: dict[str, Any]) -> None:
        """Checks every 2.5 seconds, while the controller's events name other pods each time."""
        for number in range(times):
            for event in self.cluster.events:
                event["message"] = event["message"].replace(f"j-{number - 1}", f"j-{number}")
            self.look(2.5, *pods)


def pod(reason: str = "", phase: str = "Pending", message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}} if reason and reason != "Unschedulable" else {}
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {"containers": [{"name": "main"}]},
        "status": {
            "phase": phase,
            "conditions": [condition] if reason == "Unschedulable" else [],
            "containerStatuses": [{"name": "main", "image": "i:1", "restartCount": 0, "state": state}],
        },
    }


def warning(message: str, name: str = "j", reason: str = "FailedCreate") -> dict[str, Any]:
    return {
        "metadata": {},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": {"name": name},
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }


def test_unschedulable_pod_fails_the_step_after_start_within(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, start_within=600)
    scene.look(0, pod("Unschedulable", message="0/3 nodes"))
    scene.look(299, pod("Unschedulable", message="0/2 nodes"))
    scene.look(2, pod("Unschedulable", message="0/1 nodes"))
    scene.look(298, pod("Unschedulable", message="0/1 nodes"))
    assert [line.rpartition(": ")[2] for line in scene.messages] == ["0/3 nodes", "0/1 nodes"]  # once, and again later
    with pytest.raises(JobFailedError, match=r"Job of train cannot start: node 0 was pending for 601 seco.*0/1 nodes"):
        scene.look(2, pod("Unschedulable", message="0/1 nodes"))


@pytest.mark.parametrize(("within", "seconds"), [(900, 60), (20, 20)])
def test_missing_image_fails_the_step_sooner(monkeypatch: pytest.MonkeyPatch, within: int, seconds: float) -> None:
    scene = Scene(monkeypatch, start_within=within)
    for number in range(int(seconds)):
        scene.look(1 if number else 0, pod("ErrImagePull" if number % 10 < 3 else "ImagePullBackOff", message="m"))
    assert len(scene.messages) == 1  # though the kubelet alternates between the two reasons
    with pytest.raises(JobFailedError, match="cannot be pulled"):
        scene.look(2, pod("ImagePullBackOff", message="m"))


def test_time_is_reset_when_a_node_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.look(0, pod("ErrImagePull"))
    scene.look(50, pod(phase="Running"))
    scene.look(50, pod("ErrImagePull"))
    scene.look(50, pod("ErrImagePull"))


def test_nodes_that_run_or_are_just_made_cost_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    for _ in range(20):
        scene.look(0.1, pod())
    for _ in range(20):
        scene.look(10, pod(phase="Running"))
    assert scene.cluster.asked == []


def test_missing_volume_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.cluster.events = [warning("no such secret", reason="FailedMount")]
    with pytest.raises(JobFailedError, match="no such secret") as caught:
        scene.looks(60, pod("ContainerCreating"))
    assert 60 < scene.now - 1000 < 100
    assert "node 0 was pending for" in str(caught.value)
    assert len(scene.cluster.asked) < 10
    assert len(scene.messages) == 1


def test_pods_that_cannot_be_created_are_found_in_events(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    words = 'pods "j-0" is forbidden: violates PodSecurity'
    scene.cluster.events = [warning("of another", "j2"), warning(words, "j-node-0")]
    with pytest.raises(JobFailedError, match=r"cannot start: job j was pending for .* violates PodSecurity"):
        scene.looks(60)
    assert len(scene.messages) == 1
    assert 60 < scene.now - 1000 < 100
    assert scene.cluster.asked[0] == {"fieldSelector": "type=Warning"}


def test_exceeded_quota_fails_the_step_after_start_within(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, start_within=600)
    scene.cluster.events = [warning("exceeded quota: q")]
    scene.looks(200)
    assert any("exceeded quota: q" in line for line in scene.messages)
    with pytest.raises(JobFailedError, match="exceeded quota"):
        scene.looks(60)


def test_suspended_job_never_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    for _ in range(100):
        scene.look(2.5, job={**JOB, "spec": {"suspend": True}})
    assert scene.messages == ["job j is suspended; waiting until it is resumed"]


def test_events_that_may_not_be_seen_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.cluster.refuses = True
    for _ in range(100):
        scene.look(2.5)
    scene.look(0, pod("ErrImagePull", message="m"))
    assert ["cannot be pulled: m" in line for line in scene.messages] == [True]
