from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train.kinds.kind import DEADLINE, JobResult, training_kind
from fairing_kfp.train.pod_template import pod_template
from fairing_kfp.train.spec import JobSpec

KINDS: list[tuple[str, str, str]] = [
    ("pytorchjob", "pytorchReplicaSpecs", "pytorch"),
    ("tfjob", "tfReplicaSpecs", "tensorflow"),
]


def made(kind: str, **options: Any) -> dict[str, Any]:
    spec = JobSpec(kind=kind, name="digits", image="i", **options)
    found = training_kind(kind)
    manifest = found.manifest(spec, "digits-1", pod_template(spec, found.container, {}, "v", {}))
    assert (manifest["apiVersion"], manifest["kind"].lower()) == ("kubeflow.org/v1", kind)
    return dict(manifest["spec"])


@pytest.mark.parametrize(("kind", "replicas", "container"), KINDS)
def test_all_nodes_are_workers(kind: str, replicas: str, container: str) -> None:
    (name, worker), *others = made(kind, nodes=3)[replicas].items()
    assert (name, others) == ("Worker", [])
    assert worker["replicas"] == 3
    assert worker["restartPolicy"] == "Never"
    assert [one["name"] for one in worker["template"]["spec"]["containers"]] == [container]


@pytest.mark.parametrize(("kind", "replicas", "container"), KINDS)
def test_a_deadline_holds_for_the_pods_as_well(kind: str, replicas: str, container: str) -> None:
    spec = made(kind, deadline=60)
    assert spec["runPolicy"]["activeDeadlineSeconds"] == 60
    assert spec[replicas]["Worker"]["template"]["spec"]["activeDeadlineSeconds"] == 60
    assert "activeDeadlineSeconds" not in str(made(kind))


@pytest.mark.parametrize(("kind", "replicas", "container"), KINDS)
def test_retries_are_the_kubelets(kind: str, replicas: str, container: str) -> None:
    spec = made(kind, retries=2)
    assert spec["runPolicy"]["backoffLimit"] == 3
    assert spec[replicas]["Worker"]["restartPolicy"] == "OnFailure"
    assert "backoffLimit" not in made(kind)["runPolicy"]


def test_each_has_its_own_fields() -> None:
    assert made("pytorchjob")["nprocPerNode"] == "1"
    assert made("pytorchjob", processes=4)["nprocPerNode"] == "4"
    assert made("tfjob")["successPolicy"] == "AllWorkers"


def test_ends_as_its_conditions_say() -> None:
    def state(*kinds: str, message: str = "m") -> dict[str, Any]:
        return {
            "status": {"conditions": [{"type": k, "status": "True", "reason": "R", "message": message} for k in kinds]}
        }

    job = training_kind("tfjob")
    crashed = {"name": "tensorflow", "restartCount": 0, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    assert job.result(state("Created", "Running")) is None
    assert job.result(state("Succeeded")) == JobResult(succeeded=True)
    assert job.result(state("Succeeded", "Failed")) == JobResult(False, "R", "m")
    late = job.result(state("Failed", message="Job a has failed because it was active longer than specified deadline"))
    assert late
    assert late.reason == DEADLINE
    # Without retries the operator fails the job; with retries it would allow one restart more.
    assert job.result({}, [{"status": {"containerStatuses": [crashed]}}]) is None
    assert job.result({}, [{"status": {"containerStatuses": [crashed | {"restartCount": 1}]}}], retries=1)


def test_ranks_are_the_workers_numbers() -> None:
    pod = {"metadata": {"labels": {"training.kubeflow.org/replica-index": "2"}}}
    assert training_kind("pytorchjob").rank(pod) == 2
    assert training_kind("pytorchjob").rank({"metadata": {}}) is None
