"""Errors of failed jobs."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train import failure
from fairing_kfp.train.failure import NodeProblem, first_cause
from fairing_kfp.train.failure import failure as job_failure
from fairing_kfp.train.kinds.kind import DEADLINE, JobResult


class Cluster:
    """A cluster with events of pods; counts requests."""

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


def found_in(cluster: Cluster, pods: dict[int, Any], events: bool = True) -> NodeProblem | None:
    return first_cause(cluster, pods, events)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "rank"), [([3, 4], 0), ([143, 4], 1), ([137, 143, 5], 2), ([143, 137], 0), ([0, 9], 1)]
)
def test_node_that_ended_by_itself_tells_why(codes: list[int], rank: int) -> None:
    found = found_in(Cluster(), dict(enumerate(map(over, codes))))
    assert found
    assert found.rank == rank


def test_failed_pod_takes_precedence_over_a_waiting_one() -> None:
    waiting = pod("Pending", state={"waiting": {"reason": "ErrImagePull", "message": "m"}})
    found = found_in(Cluster(), {0: waiting, 1: over(3)})
    assert found
    assert found.rank == 1


def test_nothing_is_wrong_with_pods_that_run() -> None:
    cluster = Cluster()
    assert found_in(cluster, {0: pod()}) is None
    assert found_in(cluster, {}) is None
    assert found_in(cluster, {0: pod("Pending")}, events=False) is None
    assert cluster.asked == 1  # for the first pod, and only if events are wanted


def test_missing_volume_is_found_in_events() -> None:
    cluster = Cluster("no such secret")
    found = found_in(cluster, {1: pod("Pending"), 2: pod("Pending")})
    assert found
    assert (found.rank, found.problem.message) == (1, "pod p cannot start: no such secret")


def error(result: JobResult, found: NodeProblem | None, *, logged: bool, lines: list[str] | None = None) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failure, "last_lines", lambda *_, **more: [] if more else lines or [])
        return str(job_failure(Cluster(), "Job of train", "main", result, found, logged))  # type: ignore[arg-type]


def test_error_has_the_message_of_kubernetes() -> None:
    result = JobResult(False, "BackoffLimitExceeded", "too often")
    text = error(result, None, logged=True)
    assert text.startswith("Job of train failed: BackoffLimitExceeded: too often")
    found = found_in(Cluster(), {1: over(7)})
    text = error(result, found, logged=False, lines=["a", "b"])
    assert "container main of pod p ended with exit code 7 (Error); the last lines of node 1:\n  a\n  b" in text
    assert "last lines of node" not in error(result, found, logged=False)
    assert "last lines of node" not in error(result, found, logged=True, lines=["a"])


def test_deadline_is_named_as_such() -> None:
    late = JobResult(False, DEADLINE, "longer than specified deadline")
    exceeded = "Job of train exceeded its deadline (DeadlineExceeded: longer than specified deadline)"
    of_pod = pod("Failed", reason=DEADLINE, message="active longer than the deadline")
    for found in (None, *(found_in(Cluster(), {0: one}) for one in (over(143), over(137), of_pod))):
        assert error(late, found, logged=True).startswith(f"{exceeded}\n  → increase deadline=")
    for own in (over(137, "OOMKilled"), over(7)):
        assert error(late, found_in(Cluster(), {0: own}), logged=True).startswith(f"{exceeded}: container main")


def test_image_that_needs_root_gets_the_mutator() -> None:
    found, loosened = found_in(Cluster(), {1: over(1)}), "fairing_kfp.mutators.run_as_root()"
    result = JobResult(False, "BackoffLimitExceeded", "too often")
    assert loosened in error(result, found, logged=False, lines=["PermissionError: [Errno 13] Permission denied: '/x'"])
    assert loosened in error(result, found, logged=True, lines=["mkdir: cannot create directory: Permission denied"])
    assert loosened not in error(result, found, logged=False, lines=["ValueError"])
    root = over(1)
    root["spec"]["securityContext"] = {"runAsUser": 0}
    as_root = found_in(Cluster(), {1: root})
    assert loosened not in error(result, as_root, logged=True, lines=["Permission denied"])
