from __future__ import annotations

import re
from typing import Any

import pytest

from fairing_kfp.cluster.events import Event
from fairing_kfp.cluster.pods import trouble


def pod(*statuses: dict[str, Any], restart: str = "Never", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"restartPolicy": restart, "containers": [{"name": "main"}]},
        "status": {"containerStatuses": [{"name": "main", "image": "i:1", **one} for one in statuses], **status},
    }


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    return {"state": {"terminated": {"exitCode": code, "reason": reason, **more}}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}}


@pytest.mark.parametrize(
    "fine",
    [
        pod(),
        pod(ended(0, "Completed"), phase="Succeeded"),
        pod({"state": {"running": {}}}, phase="Running"),
        pod(waiting("ContainerCreating"), phase="Pending"),
    ],
)
def test_nothing_is_wrong(fine: dict[str, Any]) -> None:
    assert trouble(fine) is None


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (pod(phase="Failed", reason="Evicted", message="low on memory"), "Evicted", "was evicted: low on memory"),
        (pod(phase="Failed", reason="NodeLost", message="node a"), "NodeLost", "lost its node: node a"),
        (pod(phase="Failed", reason="DeadlineExceeded", message="30s"), "DeadlineExceeded", "ran out of time: 30s"),
        (pod(phase="Failed", reason="UnexpectedAdmissionError"), "UnexpectedAdmissionError", "UnexpectedAdmission"),
        (pod(ended(143), ended(1)), "Error", "exit code 1 "),
        (pod(ended(1), ended(137, "OOMKilled")), "OOMKilled", "want of memory"),
        (pod(ended(139)), "Error", "killed by signal 11"),
        (pod(ended(1, message="could not\n")), "Error", r"\(Error\): could not$"),
        (pod(waiting("InvalidImageName", "bad")), "InvalidImageName", "cannot be pulled: bad"),
    ],
)
def test_cause_is_named(state: dict[str, Any], reason: str, words: str) -> None:
    found = trouble(state)
    assert found
    assert found.reason == reason
    assert re.search(words, found.message)
    assert found.remedy


def test_disruption_is_told_by_a_condition() -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "b"}
    found = trouble(pod(ended(143), phase="Failed", conditions=[condition]))
    assert found
    assert found.reason == "Disrupted"
    assert "PreemptionByScheduler: b" in found.message


def test_container_that_is_restarted_may_still_come_to_run() -> None:
    looping = {**waiting("CrashLoopBackOff"), "lastState": ended(2)["state"]}
    found = trouble(pod(looping, restart="OnFailure", phase="Running"))
    assert found
    assert (found.exit_code, found.ended) == (2, False)


def test_events_keep_the_registrys_words_and_tell_of_volumes() -> None:
    pulling = Event("t", "Failed", 'Failed to pull image "i:1": 401 Unauthorized', warning=True)
    found = trouble(pod(waiting("ImagePullBackOff", "Back-off pulling"), phase="Pending"), [pulling])
    assert found
    assert "401 Unauthorized" in found.message
    assert "imagePullSecrets" in found.remedy
    mount = Event("t", "FailedMount", 'secret "s" not found', warning=True)
    found = trouble(pod(phase="Pending"), [mount])
    assert found
    assert 'secret "s" not found' in found.message
