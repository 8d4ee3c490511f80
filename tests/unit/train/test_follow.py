"""Following a job: which of its pods count, and when it is finished."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fairing_kfp.cluster.kinds import JOB
from fairing_kfp.cluster.logs import Line
from fairing_kfp.cluster.objects import Applied
from fairing_kfp.cluster.watch import Change
from fairing_kfp.errors import ClusterError, ExchangeError, ForeignObjectError, JobFailedError, MissingObjectError
from fairing_kfp.train import follow as follow_module
from fairing_kfp.train.attempt import Attempt, attempt_annotation
from fairing_kfp.train.follow import JobFollower, _Nodes
from fairing_kfp.train.kinds.job import Job
from fairing_kfp.train.spec import JobSpec

JOB_STATE = {
    "metadata": {"name": "j", "namespace": "n", "uid": "u", "annotations": dict(attempt_annotation("token"))},
    "status": {},
}
COMPLETE = {**JOB_STATE, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
FAILED = {
    **JOB_STATE,
    "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]},
}


def pod(
    rank: int, phase: str = "Running", uid: str = "", made: int = 0, code: int | None = None, policy: str = "Never"
) -> dict[str, Any]:
    state = {"running": {}} if code is None else {"terminated": {"exitCode": code, "reason": "Error"}}
    uid = uid or f"uid-{rank}"
    return {
        "metadata": {
            "name": f"j-{uid}",
            "namespace": "n",
            "uid": uid,
            "labels": {"batch.kubernetes.io/job-completion-index": str(rank)},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": True}],
            "creationTimestamp": f"2026-01-01T00:00:{made:02}Z",
        },
        "spec": {"restartPolicy": policy, "containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", "restartCount": 0, "state": state}]},
    }


class TestNodes:
    def test_newest_pod_of_a_rank_counts(self) -> None:
        nodes = _Nodes()
        nodes.update(0, Change(pod(0, uid="a", made=1)))
        nodes.update(0, Change(pod(0, uid="b", made=1)))  # in the same second
        nodes.update(0, Change(pod(0, "Failed", uid="a", made=1, code=3)))  # the older pod, reported late
        nodes.update(0, Change(pod(0, uid="c", made=0)))  # an even older pod, reported late
        assert nodes.pods[0]["metadata"]["uid"] == "b"
        assert set(nodes.seen) == {"a", "b", "c"}
        assert nodes.failed[0]["metadata"]["uid"] == "a"
        assert nodes.suspects()[0]["metadata"]["uid"] == "a"

    def test_failed_pod_takes_precedence_over_a_terminated_one(self) -> None:
        nodes = _Nodes()
        nodes.update(0, Change(pod(0, "Failed", uid="a", code=143)))
        nodes.update(0, Change(pod(0, "Failed", uid="b", code=3)))
        nodes.update(0, Change(pod(0, "Failed", uid="c", code=137)))
        assert nodes.failed[0]["metadata"]["uid"] == "b"

    def test_pending_pod_that_was_deleted_is_not_pending(self) -> None:
        nodes = _Nodes()
        nodes.update(0, Change(pod(0, "Pending")))
        nodes.update(1, Change(pod(1)))
        nodes.update(0, Change(pod(0, "Pending"), deleted=True))
        nodes.update(1, Change(pod(1), deleted=True))
        assert set(nodes.pods) == {1}

    def test_last_termination_of_a_restarted_container_is_kept(self) -> None:
        nodes, restarted = _Nodes(), pod(0, policy="OnFailure")
        restarted["status"]["containerStatuses"][0] |= {"restartCount": 1, "lastState": {"terminated": {"exitCode": 5}}}
        nodes.update(0, Change(restarted))
        assert nodes.failed[0]["status"]["containerStatuses"][0]["state"] == {"terminated": {"exitCode": 5}}
        assert not nodes.never_restart()


class Streams:
    """Complete logs."""

    added: list[str]
    waited: list[float]

    def __init__(self, cluster: Any, namespace: str, container: str, show: Any) -> None:
        self.show, self.failures = show, [ClusterError("the role lacks pods/log", "apply this")]
        Streams.added, Streams.waited = [], []

    def add(self, found: dict[str, Any]) -> None:
        if found["metadata"]["name"] not in self.added:
            self.added.append(found["metadata"]["name"])
            self.show(found["metadata"]["name"], Line("t", f"line of {found['metadata']['uid']}"))

    def join(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return True


class Cluster:
    """A cluster with the final state of the pods."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = pods

    def request(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        return {"items": [] if path.endswith("events") else list(self.pods)}


class Scene:
    """A follower whose watches are fed by a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pods: dict[str, Any], **spec: Any) -> None:
        self.states: queue.Queue[Any] = queue.Queue()
        self.changes: queue.Queue[Any] = queue.Queue()
        monkeypatch.setattr(follow_module, "Streams", Streams)
        monkeypatch.setattr(follow_module, "follow", lambda *_, **__: self.fed(self.states))
        monkeypatch.setattr(follow_module, "watch", lambda *_, **__: self.fed(self.changes))
        monkeypatch.setattr(follow_module, "_TICK", 0.05)
        monkeypatch.setattr("fairing_kfp.train.rendezvous.Rendezvous._serve", lambda *_: None)
        monkeypatch.setattr("fairing_kfp.train.failure.last_lines", lambda *_, **__: ["its last words"])
        self.messages: list[str] = []
        self.shown: list[str] = []
        described = JobSpec(kind="job", name="train", image="i", **spec)
        cluster: Any = Cluster(*pods)
        self.follower = JobFollower(
            cluster,
            Job(),
            described,
            {},
            Attempt(cluster, JOB, Applied(JOB_STATE, created=True), "token"),
            self.messages.append,
            self.shown.append,
        )

    def fed(self, source: queue.Queue[Any]) -> Iterator[Any]:
        while True:
            item = source.get()
            if isinstance(item, Exception):
                raise item
            yield item

    def run(self) -> None:
        self.follower.wait()


def test_succeeds_with_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.changes.put(Change(pod(0)))
    scene.follower._rendezvous.fetched = True
    threading.Timer(0.2, scene.states.put, (COMPLETE,)).start()
    scene.run()
    assert scene.shown == ["line of uid-0"]
    assert scene.messages == ["log lines are missing: the role lacks pods/log\n  → apply this"]


def test_succeeds_as_soon_as_all_nodes_did_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=2, logs="all")
    scene.follower._rendezvous.fetched = True
    scene.changes.put(Change(pod(0, code=0)))
    scene.changes.put(Change(pod(1)))
    begun = time.monotonic()
    threading.Timer(0.3, scene.changes.put, (Change(pod(1, code=0)),)).start()
    scene.run()
    assert time.monotonic() - begun >= 0.3
    assert scene.shown == ["[0] line of uid-0", "[1] line of uid-1"]


def test_job_that_ended_without_giving_its_outputs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.states.put(COMPLETE)
    with pytest.raises(JobFailedError, match="Job of train ended before its outputs were fetched"):
        scene.run()


def test_reason_is_found_though_the_job_is_heard_of_before_its_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, pod(0, "Failed", code=143), pod(1, "Failed", code=7), nodes=2)
    scene.changes.put(Change(pod(0)))
    threading.Timer(0.2, scene.states.put, (FAILED,)).start()
    with pytest.raises(JobFailedError) as caught:
        scene.run()
    assert "pod j-uid-1 ended with exit code 7" in caught.value.message
    assert "the last lines of node 1:\n  its last words" in caught.value.message
    assert Streams.waited == [15.0]


def test_lines_of_the_first_node_are_not_shown_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, pod(0, "Failed", code=7))
    scene.states.put(FAILED)
    with pytest.raises(JobFailedError) as caught:
        scene.run()
    assert "its last words" not in caught.value.message


def test_logs_of_restarting_containers_are_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, pod(0, code=7, policy="OnFailure"))
    scene.changes.put(Change(pod(0, policy="OnFailure")))
    threading.Timer(0.2, scene.states.put, (FAILED,)).start()
    with pytest.raises(JobFailedError, match="exit code 7"):
        scene.run()
    assert Streams.waited == [1.0]


@pytest.mark.parametrize("source", ["states", "changes"])
def test_failed_watch_fails_the_step(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    scene = Scene(monkeypatch)
    getattr(scene, source).put(MissingObjectError("Job j was deleted"))
    with pytest.raises(MissingObjectError, match="was deleted"):
        scene.run()
    assert Streams.waited == [1.0]


def test_failed_rendezvous_fails_the_step_without_other_events(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    threading.Timer(0.2, scene.follower._rendezvous._fail, (ExchangeError("no room"),)).start()
    with pytest.raises(ExchangeError, match="no room"):
        scene.run()


def test_pods_of_others_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    stranger = pod(0)
    del stranger["metadata"]["labels"]
    scene.changes.put(Change(stranger))
    scene.follower._rendezvous.fetched = True
    scene.states.put(COMPLETE)
    scene.run()
    assert scene.shown == []


def test_attempt_that_lost_its_job_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    taken = {**JOB_STATE, "metadata": {**JOB_STATE["metadata"], "annotations": dict(attempt_annotation("another"))}}
    scene.states.put(taken)
    with pytest.raises(ForeignObjectError, match="another attempt of this task took over Job j"):
        scene.run()


def test_attempt_that_has_its_outputs_succeeds_though_another_took_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.follower._rendezvous.fetched = True
    scene.states.put({**COMPLETE, "metadata": {**JOB_STATE["metadata"], "annotations": {}}})
    scene.run()


def test_decoy_is_ignored_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    decoy = pod(0, uid="decoy")
    del decoy["metadata"]["ownerReferences"]
    scene.changes.put(Change(decoy))
    scene.changes.put(Change(decoy))
    scene.follower._rendezvous.fetched = True
    threading.Timer(0.3, scene.states.put, (COMPLETE,)).start()
    scene.run()
    assert scene.shown == []
    assert scene.messages[0] == (
        "warning: pod j-decoy is ignored, though it claims to be node 0: the controller of the job did not create it"
    )
    assert [one for one in scene.messages if "decoy" in one] == scene.messages[:1]
