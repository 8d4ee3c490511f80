"""Jobs as batch/v1 wants them."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train.job import WORKLOAD
from fairing_kfp.train.order import Order
from fairing_kfp.train.workload import Outcome, workload

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "main"}]}}


def spec(**options: Any) -> dict[str, Any]:
    made = WORKLOAD.manifest(Order("job", "train", "i", **options), "train-1", TEMPLATE)
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
    ("found", "outcome"),
    [
        ({}, None),
        ({"status": {}}, None),
        (state("Suspended"), None),
        (state("FailureTarget"), None),
        (state("Complete", "False"), None),
        (state("Complete"), Outcome(succeeded=True)),
        (state("Failed", reason="DeadlineExceeded", message="m"), Outcome(False, "DeadlineExceeded", "m")),
    ],
)
def test_conditions_say_how_it_ended(found: dict[str, Any], outcome: Outcome | None) -> None:
    assert WORKLOAD.outcome(found) == outcome


def test_pods_are_found_and_counted_by_labels() -> None:
    assert workload("job") is WORKLOAD
    assert WORKLOAD.pods("train-1") == "batch.kubernetes.io/job-name=train-1"
    assert WORKLOAD.rank({"metadata": {"labels": {"batch.kubernetes.io/job-completion-index": "2"}}}) == 2
    assert WORKLOAD.rank({"metadata": {}}) is None
