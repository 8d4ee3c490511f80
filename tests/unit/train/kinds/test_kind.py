from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.train.kinds.kind import retries_exhausted

RUNNING: dict[str, Any] = {"running": {}}
FAILED = {"terminated": {"exitCode": 1}}
DONE = {"terminated": {"exitCode": 0}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


def pod(state: dict[str, Any], restarts: int = 0, name: str = "node") -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": name, "restartCount": restarts, "state": state}]}}


@pytest.mark.parametrize(
    ("pods", "failures"),
    [
        ([], 0),
        ([pod(RUNNING)], 0),
        ([pod(DONE)], 0),
        ([pod({"waiting": {"reason": "ContainerCreating"}})], 0),
        ([pod(FAILED)], 1),
        ([pod(WAITING)], 1),
        ([pod(RUNNING, 1)], 1),
        ([pod(WAITING, 1)], 2),
        ([pod(DONE, 2)], 2),
        ([pod(RUNNING, 1), pod(FAILED)], 2),
        ([pod(FAILED, name="sidecar")], 0),
        ([{"status": {"phase": "Failed"}}], 1),
        ([{}], 0),
    ],
)
def test_failures_of_all_nodes_count(pods: list[dict[str, Any]], failures: int) -> None:
    assert retries_exhausted(pods, "node", failures) is None
    ended = retries_exhausted(pods, "node", failures - 1)
    assert ended
    assert not ended.succeeded
