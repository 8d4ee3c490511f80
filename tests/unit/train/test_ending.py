"""Why jobs failed, in words."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train import ending
from fairing_kfp.train.ending import Found, as_it_ended, failed, worst
from fairing_kfp.train.workload import DEADLINE, Outcome


class Cluster:
    """Has events of pods, and counts who asks."""

    def __init__(self, *messages: str) -> None:
        self.messages, self.asked = messages, 0

    def request(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        self.asked += 1
        return {
            "items": [
                {"metadata": {}, "type": "Warning", "reason": "FailedMount", "message": text} for text in self.messages
            ]
        }


def pod(phase: str = "Running", *, state: Any = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main"}]},
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "main", "image": "i:1", "restartCount": 0, "state": state or {}}],
            **status,
        },
    }


def over(code: int, reason: str = "Error") -> dict[str, Any]:
    return pod("Failed", state={"terminated": {"exitCode": code, "reason": reason}})


def found_in(cluster: Cluster, pods: dict[int, Any], deep: bool = True) -> Found | None:
    return worst(cluster, pods, deep)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "rank"), [([3, 4], 0), ([143, 4], 1), ([137, 143, 5], 2), ([143, 137], 0), ([0, 9], 1)]
)
def test_node_that_ended_by_itself_tells_why(codes: list[int], rank: int) -> None:
    found = found_in(Cluster(), dict(enumerate(map(over, codes))))
    assert found
    assert found.rank == rank


def test_pod_that_ended_tells_more_than_one_that_waits() -> None:
    waiting = pod("Pending", state={"waiting": {"reason": "ErrImagePull", "message": "m"}})
    found = found_in(Cluster(), {0: waiting, 1: over(3)})
    assert found
    assert found.rank == 1


def test_nothing_is_wrong_with_pods_that_run() -> None:
    cluster = Cluster()
    assert found_in(cluster, {0: pod()}) is None
    assert found_in(cluster, {}) is None
    assert found_in(cluster, {0: pod("Pending")}, deep=False) is None
    assert cluster.asked == 1  # of the first, and only deeply


def test_volume_that_does_not_come_is_told_by_events() -> None:
    cluster = Cluster("no such secret")
    found = found_in(cluster, {1: pod("Pending"), 2: pod("Pending")})
    assert found
    assert (found.rank, found.trouble.message) == (1, "pod p cannot start: no such secret")


def test_container_that_was_started_anew_is_judged_as_it_ended() -> None:
    before = {"terminated": {"exitCode": 5, "reason": "Error"}}
    anew = pod(state={"running": {}})
    anew["status"]["containerStatuses"][0]["lastState"] = before
    assert as_it_ended(anew)["status"]["containerStatuses"][0]["state"] == before
    assert anew["status"]["containerStatuses"][0]["state"] == {"running": {}}
    twice = pod(state={"terminated": {"exitCode": 6}})
    twice["status"]["containerStatuses"][0]["lastState"] = before
    assert as_it_ended(twice)["status"]["containerStatuses"][0]["state"] == {"terminated": {"exitCode": 6}}
    assert as_it_ended({})["status"]["containerStatuses"] == []


def error(outcome: Outcome, found: Found | None, *, logged: bool, lines: list[str] | None = None) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ending, "last_lines", lambda *_, **more: [] if more else lines or [])
        return str(failed(Cluster(), "Job of train", "main", outcome, found, logged))  # type: ignore[arg-type]


def test_error_says_what_kubernetes_says() -> None:
    outcome = Outcome(False, "BackoffLimitExceeded", "too often")
    text = error(outcome, None, logged=True)
    assert text.startswith("Job of train failed: BackoffLimitExceeded: too often")
    found = found_in(Cluster(), {1: over(7)})
    text = error(outcome, found, logged=False, lines=["a", "b"])
    assert "container main of pod p ended with exit code 7 (Error); the last lines of node 1:\n  a\n  b" in text
    assert "last lines of node" not in error(outcome, found, logged=False)
    assert "last lines of node" not in error(outcome, found, logged=True, lines=["a"])


def test_deadline_is_named_as_such() -> None:
    late = Outcome(False, DEADLINE, "longer than specified deadline")
    alone = error(late, None, logged=True)
    assert "Job of train ran out of time (DeadlineExceeded: longer than specified deadline)" in alone
    assert "deadline=" in alone
    assert "ran out of time (" in error(late, found_in(Cluster(), {0: over(143)}), logged=True)
