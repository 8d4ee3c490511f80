from __future__ import annotations

import re
from typing import Any

import pytest

from fairing_kfp.cluster.events import Event
from fairing_kfp.cluster.pods import (
    container_status,
    container_statuses,
    container_succeeded,
    diagnose,
    with_last_termination,
)


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
def test_pod_without_a_problem(fine: dict[str, Any]) -> None:
    assert diagnose(fine) is None


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (pod(phase="Failed", reason="Evicted", message="low on memory"), "Evicted", "was evicted: low on memory"),
        (pod(phase="Failed", reason="NodeLost", message="node a"), "NodeLost", "lost its node: node a"),
        (
            pod(phase="Failed", reason="DeadlineExceeded", message="30s"),
            "DeadlineExceeded",
            "exceeded its deadline: 30s",
        ),
        (pod(phase="Failed", reason="UnexpectedAdmissionError"), "UnexpectedAdmissionError", "UnexpectedAdmission"),
        (pod(ended(143), ended(1)), "Error", "exit code 1 "),
        (pod(ended(1), ended(137, "OOMKilled")), "OOMKilled", "ran out of memory"),
        (pod(ended(139)), "Error", "killed by signal 11"),
        (pod(ended(1, message="could not\n")), "Error", r"\(Error\): could not$"),
        (pod(waiting("InvalidImageName", "bad")), "InvalidImageName", "cannot be pulled: bad"),
    ],
)
def test_cause_is_reported(state: dict[str, Any], reason: str, words: str) -> None:
    found = diagnose(state)
    assert found
    assert found.reason == reason
    assert re.search(words, found.message)
    assert found.remedy


def test_disruption_is_a_condition() -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "b"}
    found = diagnose(pod(ended(143), phase="Failed", conditions=[condition]))
    assert found
    assert found.reason == "Disrupted"
    assert "PreemptionByScheduler: b" in found.message


def test_problem_of_a_restarted_container_is_not_final() -> None:
    looping = {**waiting("CrashLoopBackOff"), "lastState": ended(2)["state"]}
    found = diagnose(pod(looping, restart="OnFailure", phase="Running"))
    assert found
    assert (found.exit_code, found.ended) == (2, False)


def test_events_have_the_registrys_answer_and_missing_volumes() -> None:
    pulling = Event("t", "Failed", 'Failed to pull image "i:1": 401 Unauthorized', warning=True)
    found = diagnose(pod(waiting("ImagePullBackOff", "Back-off pulling"), phase="Pending"), [pulling])
    assert found
    assert "401 Unauthorized" in found.message
    assert "imagePullSecrets" in found.remedy
    mount = Event("t", "FailedMount", 'secret "s" not found', warning=True)
    found = diagnose(pod(phase="Pending"), [mount])
    assert found
    assert 'secret "s" not found' in found.message


def test_statuses_are_those_of_init_containers_and_containers() -> None:
    state = pod({"restartCount": 2, "state": {"running": {}}, "lastState": ended(3)["state"]})
    state["status"]["initContainerStatuses"] = [{"name": "init", **ended(0)}]
    main = container_status(state, "main")
    assert [one.name for one in container_statuses(state)] == ["init", "main"]
    assert main
    assert (main.restarts, main.running, main.waiting, main.terminated) == (2, True, None, None)
    assert (main.last_terminated or {})["exitCode"] == 3
    assert container_status(state, "other") is None
    assert container_statuses({}) == []


@pytest.mark.parametrize(
    ("status", "succeeded"), [(ended(0), True), (ended(1), False), ({"state": {"running": {}}}, False)]
)
def test_container_that_exited_with_0_succeeded(status: dict[str, Any], succeeded: bool) -> None:
    assert container_succeeded(pod(status), "main") is succeeded
    assert not container_succeeded(pod(status), "other")


def test_restarted_container_gets_the_state_in_which_it_terminated() -> None:
    last = ended(5)["state"]
    restarted = pod({"state": {"running": {}}, "lastState": last})
    assert with_last_termination(restarted)["status"]["containerStatuses"][0]["state"] == last
    assert restarted["status"]["containerStatuses"][0]["state"] == {"running": {}}
    failed = pod({**ended(6), "lastState": last})
    assert with_last_termination(failed) == failed
    assert with_last_termination({})["status"]["containerStatuses"] == []


@pytest.mark.parametrize(
    "state",
    [
        pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
        pod(waiting("RunContainerError", 'exec: "/root/python": permission denied: unknown')),
        pod(ended(128, "StartError", message='exec: "/root/python": permission denied: unknown')),
    ],
)
def test_image_that_cannot_run_as_the_pods_user_gets_the_mutator(state: dict[str, Any]) -> None:
    found = diagnose(state)
    assert found
    assert "mutators=[fairing_kfp.mutators.run_as_root()]" in found.remedy
