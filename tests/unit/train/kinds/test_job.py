"""Manifests and results of Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train.kinds.job import KIND
from fairing_kfp.train.kinds.kind import JobResult, training_kind
from fairing_kfp.train.spec import JobSpec

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "main"}]}}


def spec(**options: Any) -> dict[str, Any]:
    made = KIND.manifest(JobSpec("job", "train", "i", **options), "train-1", TEMPLATE)
    assert (made["apiVersion"], made["kind"], made["metadata"]) == ("batch/v1", "Job", {"name": "train-1"})
    found: dict[str, Any] = made["spec"]
    return found


def test_one_node_is_one_completion_that_is_collected_an_hour_after() -> None:
    made = spec()
    assert (made["completionMode"], made["completions"], made["parallelism"]) == ("Indexed", 1, 1)
    assert (made["backoffLimit"], made["ttlSecondsAfterFinished"]) == (0, 3600)
    assert "activeDeadlineSeconds" not in made
    assert made["template"]["spec"] == {"containers": [{"name": "main"}], "restartPolicy": "Never"}
    assert made["template"]["metadata"] == TEMPLATE["metadata"]


def test_nodes_run_at_once_and_may_each_fail_as_often() -> None:
    made = spec(nodes=3, retries=2, deadline=60)
    assert (made["completions"], made["parallelism"], made["activeDeadlineSeconds"]) == (3, 3, 60)
    assert (made["backoffLimitPerIndex"], made["maxFailedIndexes"]) == (2, 0)
    assert "backoffLimit" not in made
    assert spec(nodes=3)["backoffLimit"] == 0
    assert spec(retries=2)["backoffLimit"] == 2


def state(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": kind, "status": status, **more}]}}


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ({}, None),
        ({"status": {}}, None),
        (state("Suspended"), None),
        (state("FailureTarget"), None),
        (state("Complete", "False"), None),
        (state("Complete"), JobResult(succeeded=True)),
        (state("Failed", reason="DeadlineExceeded", message="m"), JobResult(False, "DeadlineExceeded", "m")),
    ],
)
def test_result_is_read_from_conditions(found: dict[str, Any], result: JobResult | None) -> None:
    assert KIND.result(found) == result


def test_pods_are_found_and_counted_by_labels() -> None:
    assert training_kind("job") is KIND
    assert KIND.pods("train-1") == "batch.kubernetes.io/job-name=train-1"
    assert KIND.rank({"metadata": {"labels": {"batch.kubernetes.io/job-completion-index": "2"}}}) == 2
    assert KIND.rank({"metadata": {}}) is None
