"""Diagnosis of versions that do not become ready."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairing_kfp.cluster.pods import PodProblem
from fairing_kfp.errors import ClusterError
from fairing_kfp.serving import failure
from fairing_kfp.serving.failure import Diagnosis, is_permanent

POD = {"metadata": {"name": "digits-1", "namespace": "n", "uid": "u"}}
CAUSE = PodProblem("Error", "container predictor exited with 1", "see its last lines", "predictor", 1)


class FakeCluster:
    """Answers each request with the same object, or fails without one."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def request(self, *_: object, **__: object) -> Any:
        if self.answer is None:
            raise ClusterError("no answer")
        return self.answer


def diagnosis(answer: Any = None) -> Diagnosis:
    return Diagnosis(FakeCluster(answer), "n", "digits", "Deployment digits", "predictor")  # type: ignore[arg-type]


def with_log(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(failure, "last_lines", lambda *_: list(lines))


def test_the_servers_own_error_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"level": "error", "message": "the model cannot be loaded: KeyError", "traceback": "File a.py\n  in load"}
    with_log(monkeypatch, "starting", json.dumps(record))
    error = diagnosis().pod_error(POD, CAUSE)

    assert error.message == (
        "Deployment digits does not become ready: the model cannot be loaded: KeyError (container predictor exited "
        "with 1); its last lines:\n  starting\n  error: the model cannot be loaded: KeyError\n  File a.py\n    in load"
    )
    assert "correct the predictor" in error.remedy


def test_other_errors_name_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    with_log(monkeypatch)
    error = diagnosis().pod_error(POD, CAUSE)

    assert error.message == "Deployment digits does not become ready: container predictor exited with 1"
    assert error.remedy == CAUSE.remedy


def test_a_timeout_without_a_pod_refers_to_the_events() -> None:
    error = diagnosis().timeout_error(None, 660)

    assert error.message == "Deployment digits did not become ready within 660 seconds"
    assert "kubectl describe" in error.remedy


@pytest.mark.parametrize(
    ("replica_set", "time", "expected"),
    [
        ("digits-5c7f", "2026-01-02T00:00:00Z", "exceeded quota"),
        ("digits-predictor-5c7f", "2026-01-02T00:00:00Z", "exceeded quota"),
        ("digits-5c7f", "2025-12-31T00:00:00Z", ""),
        ("digits-other-5c7f", "2026-01-02T00:00:00Z", ""),
    ],
)
def test_rejected_pods_are_found_in_events(replica_set: str, time: str, expected: str) -> None:
    event = {"involvedObject": {"name": replica_set}, "lastTimestamp": time, "message": " exceeded quota\n"}

    assert diagnosis({"items": [event]}).creation_failure("2026-01-01T00:00:00Z") == expected
    assert diagnosis().creation_failure("2026-01-01T00:00:00Z") == ""


def test_an_image_that_does_not_exist_is_permanent() -> None:
    assert is_permanent(PodProblem("ImagePullBackOff", "manifest unknown", ""))
    assert not is_permanent(PodProblem("ImagePullBackOff", "i/o timeout", ""))
    assert not is_permanent(CAUSE)
