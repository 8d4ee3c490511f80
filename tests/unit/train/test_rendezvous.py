"""Nodes of a job that start, fail and restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fairing_kfp.cluster.kinds import JOB
from fairing_kfp.cluster.objects import Applied
from fairing_kfp.errors import ClusterError, ExchangeError, ForeignObjectError, MissingObjectError
from fairing_kfp.runtime.work import Work
from fairing_kfp.train import rendezvous as rendezvous_module
from fairing_kfp.train.attempt import Attempt, attempt_annotation
from fairing_kfp.train.node_client import verifier_of
from fairing_kfp.train.pod_template import ANNOTATION
from fairing_kfp.train.rendezvous import Rendezvous, incarnation_of
from fairing_kfp.train.spec import JobSpec
from tests.support.waiting import eventually

TOKEN = "token"


class Cluster:
    """A cluster with a job; records requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.job = {
            "metadata": {"name": "j", "namespace": "n", "uid": "u", "annotations": dict(attempt_annotation(TOKEN))}
        }

    def attempt(self) -> Attempt:
        return Attempt(self, JOB, Applied(self.job, created=True), TOKEN)  # type: ignore[arg-type]

    def request(self, method: str, path: str, *, body: Any = None, content_type: str = "") -> dict[str, Any]:
        if method == "GET" and "/jobs/" in path:
            return self.job
        self.asked.append((method, path, body))
        return {}


class Fakes:
    """Fake nodes by address; records calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.errors: dict[tuple[str, str], Exception] = {}
        self.ended = threading.Event()

    def __call__(self, address: str, token: str, alive: Callable[[], bool]) -> FakeNode:
        assert token == TOKEN
        return FakeNode(self, address, alive)

    def names(self, address: str = "") -> list[str]:
        return [name for where, name, *_ in self.calls if address in ("", where)]

    def works(self, address: str) -> list[Work]:
        return [more[0] for where, name, *more in self.calls if (where, name) == (address, "start")]


class FakeNode:
    def __init__(self, fakes: Fakes, address: str, alive: Callable[[], bool]) -> None:
        self.fakes, self.address, self.alive = fakes, address, alive

    def _note(self, name: str, *more: Any) -> None:
        self.fakes.calls.append((self.address, name, *more))
        if (error := self.fakes.errors.get((self.address, name))) is not None:
            raise error

    def state(self, seconds: int = 20) -> dict[str, Any]:
        self._note("state" if seconds else "ask")
        if seconds:
            while not self.fakes.ended.wait(0.01):
                if not self.alive():
                    raise ExchangeError("gone")
            return {"phase": "ended", "code": 0, "peers": []}
        return self.fakes.states.get(self.address, {"phase": "waiting", "code": None, "peers": []})

    def send(self, files: Any) -> None:
        self._note("send")

    def start(self, work: Work) -> None:
        self._note("start", work)

    def outputs(self, executor_input: Any) -> list[tuple[str, int]]:
        self._note("outputs")
        return [("/out/a", 2_000_000)]

    def fetch(self, files: Any) -> None:
        self._note("fetch")

    def end(self) -> None:
        self._note("end")


class Scene:
    """A rendezvous with fake nodes, and its messages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **spec: Any) -> None:
        self.nodes, self.cluster = Fakes(), Cluster()
        monkeypatch.setattr(rendezvous_module, "Node", self.nodes)
        monkeypatch.setattr(rendezvous_module, "_HEARTBEAT", 0.05)
        self.messages: list[str] = []
        self.failures: list[ClusterError] = []
        described = JobSpec(kind="job", name="train", image="i", **spec)
        self.rendezvous = Rendezvous(
            described,
            "main",
            {"outputs": {"outputFile": "/out/list"}},
            self.cluster.attempt(),
            self.messages.append,
            self.failures.append,
        )

    def see(self, rank: int, state: str = "running", uid: str = "", **more: Any) -> None:
        self.rendezvous.update(rank, pod(rank, state, uid, **more), gone=state == "gone")


def pod(rank: int, state: str, uid: str = "", restarts: int = 0, verifier: str = verifier_of(TOKEN)) -> dict[str, Any]:
    states = {
        "waiting": {"waiting": {}},
        "failed": {"terminated": {"exitCode": 1}},
        "done": {"terminated": {"exitCode": 0}},
    }
    uid = uid or f"uid-{rank}"
    return {
        "metadata": {
            "name": f"pod-{uid}",
            "namespace": "n",
            "uid": uid,
            "resourceVersion": "5",
            "annotations": {ANNOTATION: verifier},
        },
        "status": {
            "podIP": f"10.0.0.{rank}" if not uid.endswith("b") else f"10.0.1.{rank}",
            "containerStatuses": [
                {"name": "main", "restartCount": restarts, "state": states.get(state, {"running": {}})}
            ],
        },
    }


def test_one_node_gets_its_inputs_starts_and_gives_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.see(0, "waiting")
    scene.see(0)
    scene.see(0)
    eventually(lambda: "start" in scene.nodes.names())
    assert not scene.rendezvous.fetched
    scene.nodes.ended.set()
    eventually(lambda: "end" in scene.nodes.names())
    assert scene.rendezvous.fetched
    assert [name for name in scene.nodes.names() if name != "state"] == [
        "ask",
        "send",
        "start",
        "outputs",
        "fetch",
        "end",
    ]
    assert scene.messages == ["started node 0", "node 0 succeeded; fetching 2.0 MB of outputs"]
    assert scene.cluster.asked == []
    assert scene.failures == []


def test_nodes_are_reached_by_other_addresses_and_know_each_other_by_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch, nodes=2)

    def connect(pod: dict[str, Any], token: str, alive: Callable[[], bool]) -> Any:
        return scene.nodes(f"forwarded to {pod['metadata']['name']}", token, alive)

    scene.rendezvous = Rendezvous(
        JobSpec(kind="job", name="train", image="i", nodes=2),
        "main",
        {"outputs": {"outputFile": "/out/list"}},
        scene.cluster.attempt(),
        scene.messages.append,
        scene.failures.append,
        connect,
    )
    scene.see(0)
    scene.see(1)
    for rank in (0, 1):
        place = f"forwarded to pod-uid-{rank}"
        eventually(lambda place=place: scene.nodes.works(place))
        (work,) = scene.nodes.works(place)
        assert (work.rank, work.peers) == (rank, ("10.0.0.0", "10.0.0.1"))


def test_nodes_start_together_and_know_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=3, framework="torch", processes=2)
    scene.see(2)
    scene.see(0)
    eventually(lambda: scene.nodes.names("10.0.0.2").count("ask") > 2)  # the heartbeat
    assert "start" not in scene.nodes.names()
    scene.see(1)
    peers = ("10.0.0.0", "10.0.0.1", "10.0.0.2")
    for rank, address in enumerate(peers):
        eventually(lambda address=address: scene.nodes.works(address))
        assert scene.nodes.works(address) == [Work({"outputs": {"outputFile": "/out/list"}}, rank, peers, "torch", 2)]


def test_only_the_first_node_is_asked_for_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=2)
    scene.see(0)
    scene.see(1)
    scene.nodes.ended.set()
    eventually(lambda: "end" in scene.nodes.names("10.0.0.0"))
    assert not {"outputs", "fetch", "end"} & set(scene.nodes.names("10.0.0.1"))


def test_node_that_runs_already_is_adopted_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.nodes.states["10.0.0.0"] = {"phase": "running", "code": None, "peers": ["10.0.0.0"]}
    scene.see(0, verifier="of an earlier attempt")
    eventually(lambda: "state" in scene.nodes.names())
    scene.nodes.ended.set()
    eventually(lambda: scene.rendezvous.fetched)
    assert not {"send", "start"} & set(scene.nodes.names())
    ((method, path, body),) = scene.cluster.asked
    assert (method, path) == ("PATCH", "/api/v1/namespaces/n/pods/pod-uid-0")
    assert body == {
        "metadata": {"uid": "uid-0", "resourceVersion": "5", "annotations": {ANNOTATION: verifier_of(TOKEN)}}
    }


def lost(scene: Scene) -> None:
    """Lets another attempt take over the job."""
    scene.cluster.job["metadata"]["annotations"] = dict(attempt_annotation("another"))  # type: ignore[index]


def test_attempt_that_lost_touches_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    lost(scene)
    scene.see(0, verifier="of the winner")
    eventually(lambda: scene.failures)
    assert "another attempt of this task took over Job j in the namespace n" in scene.failures[0].message
    assert scene.nodes.calls == []
    assert scene.cluster.asked == []


def test_attempt_that_loses_at_the_end_leaves_the_node_to_the_winner(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.see(0)
    eventually(lambda: "state" in scene.nodes.names())
    lost(scene)
    scene.nodes.ended.set()
    eventually(lambda: scene.failures)
    assert "end" not in scene.nodes.names()
    assert not scene.rendezvous.fetched


def test_pod_that_changed_meanwhile_is_announced_to_again_by_the_winner_alone() -> None:
    class Changing(Cluster):
        def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
            super().request(method, path, **more)
            if method == "GET" and "/pods/" in path:
                return {"metadata": {**pod(0, "running")["metadata"], "resourceVersion": "6", "annotations": {}}}
            if method == "PATCH" and more["body"]["metadata"]["resourceVersion"] == "5":
                raise ForeignObjectError("changed", status=409)
            return self.job

    cluster = Changing()
    cluster.attempt().announce(pod(0, "running", verifier="another's"))
    assert [method for method, _, _ in cluster.asked] == ["PATCH", "GET", "PATCH"]
    cluster.job["metadata"]["annotations"] = {}
    with pytest.raises(ForeignObjectError, match="another attempt"):
        cluster.attempt().announce(pod(0, "running", verifier="another's"))


def test_running_adopted_node_counts_as_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    # The earlier attempt was killed between the starts of its nodes.
    scene = Scene(monkeypatch, nodes=2)
    scene.nodes.states["10.0.0.0"] = {"phase": "running", "code": None, "peers": ["10.0.0.0", "10.0.0.1"]}
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.1"))
    assert scene.nodes.works("10.0.0.1")[0].peers == ("10.0.0.0", "10.0.0.1")
    assert scene.nodes.works("10.0.0.0") == []


@pytest.mark.parametrize("framework", ["torch", None])
def test_replaced_node_restarts_with_the_others(monkeypatch: pytest.MonkeyPatch, framework: Any) -> None:
    scene = Scene(monkeypatch, nodes=2, framework=framework, retries=1)
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.0") and scene.nodes.works("10.0.0.1"))
    scene.see(1, "failed")
    scene.see(1, uid="uid-1b")
    scene.see(1, "gone")  # the earlier pod, reported late
    eventually(lambda: scene.nodes.works("10.0.1.1"))
    assert scene.nodes.works("10.0.1.1")[0].peers == ("10.0.0.0", "10.0.1.1")
    if framework:
        eventually(lambda: len(scene.nodes.works("10.0.0.0")) == 2)
        assert scene.nodes.works("10.0.0.0")[1].peers == ("10.0.0.0", "10.0.1.1")
        assert "restarted node 0" in scene.messages
    else:
        time.sleep(0.2)
        assert len(scene.nodes.works("10.0.0.0")) == 1  # the nodes are independent


def test_restarted_container_is_a_new_node(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, retries=1)
    scene.see(0)
    eventually(lambda: scene.nodes.works("10.0.0.0"))
    scene.see(0, "failed")
    scene.see(0, restarts=1)
    eventually(lambda: len(scene.nodes.works("10.0.0.0")) == 2)
    assert scene.nodes.names().count("send") == 2


def test_node_that_succeeded_stays_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=2, retries=1)
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.0") and scene.nodes.works("10.0.0.1"))
    scene.see(1, "done")
    scene.see(0, "failed")
    scene.see(0, uid="uid-0b")
    eventually(lambda: scene.nodes.works("10.0.1.0"))
    assert scene.nodes.works("10.0.1.0")[0].peers == ("10.0.1.0", "10.0.0.1")


def test_error_of_a_running_node_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.nodes.errors["10.0.0.0", "send"] = ExchangeError("no room")
    scene.see(0)
    eventually(lambda: scene.failures)
    assert [failure.message for failure in scene.failures] == ["no room"]


def test_failure_of_a_pod_that_is_over_is_left_to_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.see(0)
    eventually(lambda: "state" in scene.nodes.names())
    scene.see(0, "failed")
    time.sleep(0.1)
    scene.nodes.errors["10.0.1.1", "ask"] = MissingObjectError("gone")
    scene.see(1, uid="uid-1b")
    time.sleep(0.1)
    assert scene.failures == []


def test_unexpected_error_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.nodes.errors["10.0.0.0", "send"] = ZeroDivisionError("ours")
    scene.see(0)
    eventually(lambda: scene.failures)
    assert "cannot serve node 0: ZeroDivisionError('ours')" in scene.failures[0].message


def test_incarnations_differ_by_pod_and_restarts() -> None:
    assert incarnation_of(pod(0, "running"), "main") == "uid-0/0"
    assert incarnation_of(pod(0, "running", restarts=2), "main") == "uid-0/2"
    assert incarnation_of(pod(0, "waiting"), "main") is None
    assert incarnation_of(pod(0, "running"), "other") is None
    assert incarnation_of({"metadata": {"uid": "a"}}, "main") is None
    without = pod(0, "running")
    del without["status"]["podIP"]
    assert incarnation_of(without, "main") is None
