"""A training step among decoys, another attempt and a flood, in a namespace of the restricted standard."""

from __future__ import annotations

import contextlib
import socket
import uuid
from typing import Any

import pytest

from fairing_kfp.train.pod_template import PORT
from tests.support.administrator import current_log, delete, merge
from tests.support.train_pods import step_pod
from tests.support.train_steps import made_by
from tests.support.trains import HELD, Bench, release
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]

UNTIL_TOLD = f"# wait\n{HELD}; answer = 'done'"
LISTEN = f"""
import socket
with socket.create_server(("", {PORT})) as server:
    while True:
        print(server.accept()[0].recv(9), flush=True)
"""


def decoy(name: str, image: str, job: dict[str, Any], owners: list[dict[str, Any]]) -> dict[str, Any]:
    """A pod that claims to be the first node of a job, and prints what it is sent."""
    labels = {"batch.kubernetes.io/job-name": job["metadata"]["name"], **job["metadata"]["labels"]}
    labels["batch.kubernetes.io/job-completion-index"] = "0"
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "main", "image": image, "command": ["python3", "-c", LISTEN], "securityContext": restricted}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{name}-{uuid.uuid4().hex[:6]}", "labels": labels, "ownerReferences": owners},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False},
    }


def test_winner_gets_its_outputs_among_decoys_another_attempt_and_a_flood(bench: Bench, base_image: str) -> None:
    run, step = str(uuid.uuid4()), bench.steps["behave"]
    given = bench.input(step, {"how": UNTIL_TOLD})
    attempts = [bench.create(step_pod(number, run)) for number in range(2)]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bench.namespace}}
    merge(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    first = bench.start(step, given, attempts[0])
    first.until("told to # wait")
    (job,) = bench.jobs(first)
    (node,) = [pod for pod in bench.pods(first) if pod["metadata"]["name"].startswith(job["metadata"]["name"])]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "controller": True}
    owner |= {key: job["metadata"][key] for key in ("name", "uid")}
    foreign = bench.create(decoy("foreign", step.spec.image, job, []))
    other = bench.create(decoy("other", base_image, job, [owner]))
    for pod in (foreign, other):
        first.until(f"warning: pod {pod['metadata']['name']} is ignored")

    with contextlib.ExitStack() as flood:
        for _ in range(300):
            flood.enter_context(socket.create_connection((node["status"]["podIP"], PORT), timeout=10))
        second = bench.start(step, given, attempts[1])
        second.until("adopted")

        assert first.end() == 1
        assert "another attempt of this task took over" in first.log
        release(node)
        assert second.end() == 0, second.log
    assert made_by(given)["parameters"]["Output"] == "done"
    for pod in (foreign, other):
        assert f"warning: pod {pod['metadata']['name']} is ignored" in second.log
        assert current_log(pod) == ""
        delete(pod, grace=1)
    assert bench.jobs(second) == []
    eventually(lambda: node["metadata"]["name"] not in [pod["metadata"]["name"] for pod in bench.pods(second)])
