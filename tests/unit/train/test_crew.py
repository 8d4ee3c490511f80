"""The nodes of a job as they come, go and come again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from fairing_kfp.errors import ClusterError, ExchangeError, MissingObjectError
from fairing_kfp.runtime.work import Work
from fairing_kfp.train import crew as crew_module
from fairing_kfp.train.crew import Crew, did_its_part, life_of
from fairing_kfp.train.exchange import verifier_of
from fairing_kfp.train.order import Order
from fairing_kfp.train.template import ANNOTATION

TOKEN = "token"


class Cluster:
    """Notes requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []

    def request(self, method: str, path: str, *, body: Any, content_type: str) -> dict[str, Any]:
        self.asked.append((method, path, body))
        return {}


class Fakes:
    """The nodes behind addresses, as a crew speaks to them."""

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
    """A crew, its nodes, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **order: Any) -> None:
        self.nodes, self.cluster = Fakes(), Cluster()
        monkeypatch.setattr(crew_module, "Node", self.nodes)
        monkeypatch.setattr(crew_module, "_BEAT", 0.05)
        self.said: list[str] = []
        self.failures: list[ClusterError] = []
        described = Order(kind="job", name="train", image="i", **order)
        self.crew = Crew(
            self.cluster,  # type: ignore[arg-type]
            described,
            "main",
            {"outputs": {"outputFile": "/out/list"}},
            TOKEN,
            self.said.append,
            self.failures.append,
        )

    def see(self, rank: int, state: str = "running", uid: str = "", **more: Any) -> None:
        self.crew.see(rank, pod(rank, state, uid, **more), gone=state == "gone")


def pod(rank: int, state: str, uid: str = "", restarts: int = 0, verifier: str = verifier_of(TOKEN)) -> dict[str, Any]:
    states = {
        "waiting": {"waiting": {}},
        "failed": {"terminated": {"exitCode": 1}},
        "done": {"terminated": {"exitCode": 0}},
    }
    uid = uid or f"uid-{rank}"
    return {
        "metadata": {"name": f"pod-{uid}", "namespace": "n", "uid": uid, "annotations": {ANNOTATION: verifier}},
        "status": {
            "podIP": f"10.0.0.{rank}" if not uid.endswith("b") else f"10.0.1.{rank}",
            "containerStatuses": [
                {"name": "main", "restartCount": restarts, "state": states.get(state, {"running": {}})}
            ],
        },
    }


def eventually(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_node_gets_its_inputs_starts_and_gives_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.see(0, "waiting")
    scene.see(0)
    scene.see(0)
    eventually(lambda: "start" in scene.nodes.names())
    assert not scene.crew.fetched
    scene.nodes.ended.set()
    eventually(lambda: "end" in scene.nodes.names())
    assert scene.crew.fetched
    assert [name for name in scene.nodes.names() if name != "state"] == [
        "ask",
        "send",
        "start",
        "outputs",
        "fetch",
        "end",
    ]
    assert scene.said == ["node 0 starts", "node 0 is done, with 2.0 MB of outputs"]
    assert scene.cluster.asked == []
    assert scene.failures == []


def test_nodes_start_together_and_know_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=3, framework="torch", processes=2)
    scene.see(2)
    scene.see(0)
    eventually(lambda: scene.nodes.names("10.0.0.2").count("ask") > 2)  # it hears of its step while it waits
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
    eventually(lambda: scene.crew.fetched)
    assert not {"send", "start"} & set(scene.nodes.names())
    ((method, path, body),) = scene.cluster.asked
    assert (method, path) == ("PATCH", "/api/v1/namespaces/n/pods/pod-uid-0")
    assert body == {"metadata": {"uid": "uid-0", "annotations": {ANNOTATION: verifier_of(TOKEN)}}}


def test_adopted_node_that_runs_counts_for_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    # The earlier attempt was killed between the starts of its nodes.
    scene = Scene(monkeypatch, nodes=2)
    scene.nodes.states["10.0.0.0"] = {"phase": "running", "code": None, "peers": ["10.0.0.0", "10.0.0.1"]}
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.1"))
    assert scene.nodes.works("10.0.0.1")[0].peers == ("10.0.0.0", "10.0.0.1")
    assert scene.nodes.works("10.0.0.0") == []


@pytest.mark.parametrize("framework", ["torch", None])
def test_node_that_was_replaced_starts_with_the_others(monkeypatch: pytest.MonkeyPatch, framework: Any) -> None:
    scene = Scene(monkeypatch, nodes=2, framework=framework, retries=1)
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.0") and scene.nodes.works("10.0.0.1"))
    scene.see(1, "failed")
    scene.see(1, uid="uid-1b")
    scene.see(1, "gone")  # the earlier one, late
    eventually(lambda: scene.nodes.works("10.0.1.1"))
    assert scene.nodes.works("10.0.1.1")[0].peers == ("10.0.0.0", "10.0.1.1")
    if framework:
        eventually(lambda: len(scene.nodes.works("10.0.0.0")) == 2)
        assert scene.nodes.works("10.0.0.0")[1].peers == ("10.0.0.0", "10.0.1.1")
        assert "node 0 starts anew" in scene.said
    else:
        time.sleep(0.2)
        assert len(scene.nodes.works("10.0.0.0")) == 1  # each is on its own


def test_container_that_was_started_anew_in_its_pod_is_a_new_node(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, retries=1)
    scene.see(0)
    eventually(lambda: scene.nodes.works("10.0.0.0"))
    scene.see(0, "failed")
    scene.see(0, restarts=1)
    eventually(lambda: len(scene.nodes.works("10.0.0.0")) == 2)
    assert scene.nodes.names().count("send") == 2


def test_node_that_did_its_part_stays_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, nodes=2, retries=1)
    scene.see(0)
    scene.see(1)
    eventually(lambda: scene.nodes.works("10.0.0.0") and scene.nodes.works("10.0.0.1"))
    scene.see(1, "done")
    scene.see(0, "failed")
    scene.see(0, uid="uid-0b")
    eventually(lambda: scene.nodes.works("10.0.1.0"))
    assert scene.nodes.works("10.0.1.0")[0].peers == ("10.0.1.0", "10.0.0.1")


def test_failure_of_a_node_that_runs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_error_of_ours_does_not_leave_nodes_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    scene.nodes.errors["10.0.0.0", "send"] = ZeroDivisionError("ours")
    scene.see(0)
    eventually(lambda: scene.failures)
    assert "node 0 cannot be attended: ZeroDivisionError('ours')" in scene.failures[0].message


def test_lives_are_told_by_pod_and_restarts() -> None:
    assert life_of(pod(0, "running"), "main") == "uid-0/0"
    assert life_of(pod(0, "running", restarts=2), "main") == "uid-0/2"
    assert life_of(pod(0, "waiting"), "main") is None
    assert life_of(pod(0, "running"), "other") is None
    assert life_of({"metadata": {"uid": "a"}}, "main") is None
    without = pod(0, "running")
    del without["status"]["podIP"]
    assert life_of(without, "main") is None


@pytest.mark.parametrize(("state", "expected"), [("done", True), ("failed", False), ("running", False)])
def test_part_is_done_when_the_container_ended_well(state: str, expected: bool) -> None:
    assert did_its_part(pod(0, state), "main") is expected
