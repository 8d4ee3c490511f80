"""Logs of runs on Kubeflow Pipelines, read from a real Kubernetes: pods named as by Argo, and a stand-in of the API."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.objects import create
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import KfpError, RunFailedError
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.remote_pipelines import digits
from tests.support.stand_in_builder import StandInBuilder
from tests.support.workflow_nodes import pod_name, step

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


@pytest.fixture
def kfp() -> Iterator[KfpStandIn]:
    with serve_kfp(log_paths=set(), progress=[("FAILED", step("train", "FAILED", 10, 12))]) as stand_in:
        yield stand_in


@pytest.fixture
def start(namespace: str, base_image: str) -> Callable[..., None]:
    """Runs a program in a pod as KFP's launcher would, to its end."""
    cluster = Cluster(lambda: dataclasses.replace(from_kubeconfig(), namespace=namespace), retry_timeout=20)

    def run(run_id: str, name: str, code: str, **annotations: str) -> None:
        container = {"name": "main", "image": base_image, "command": ["python3", "-c", code]}
        manifest: Any = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {"pipeline/runid": run_id}, "annotations": annotations},
            "spec": {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]},
        }
        create(cluster, manifest, {"fairing-kfp/test": "pods"})
        for state in follow(cluster, POD, name, namespace, seconds=60):
            if state["status"].get("phase") in ("Succeeded", "Failed"):
                return

    return run


@pytest.mark.parametrize("template", ["system-container-impl", "metadata-3-4-system-container-impl"])
def test_a_failed_step_is_reported_with_the_log_of_its_pod(
    kfp: KfpStandIn, start: Callable[..., None], namespace: str, template: str
) -> None:
    run = fairing_kfp.submit(digits, host=kfp.url, namespace=namespace, builder=StandInBuilder())
    workflow = f"digits-{run.id[:5]}"
    kfp.runs[run.id].progress = [("FAILED", step("train", "FAILED", 10, 12, workflow=workflow))]
    name = pod_name("train", workflow=workflow, template=template)
    start(run.id, name, "print('epoch 1'); print('no data'); raise SystemExit(1)")

    with pytest.raises(RunFailedError) as raised:
        run.wait()
    assert raised.value.log == "epoch 1\nno data"


def test_a_driver_in_a_loop_is_found_by_the_name_of_its_node(
    kfp: KfpStandIn, start: Callable[..., None], namespace: str
) -> None:
    kfp.progress = [("FAILED", step("train", "DRIVER_FAILED", 10, 12, parent="root.for-loop-1"))]
    run = fairing_kfp.submit(digits, host=kfp.url, namespace=namespace, builder=StandInBuilder())
    path = f"digits-{run.id[:5]}.root.for-loop-1.iteration-iterations(0:0).iteration-item.train-driver"
    annotations = {"workflows.argoproj.io/node-name": path}
    start(run.id, f"driver-{run.id[:5]}", "print('type mismatch'); raise SystemExit(1)", **annotations)

    with pytest.raises(RunFailedError, match="the driver of the step train failed") as raised:
        run.wait()
    assert raised.value.log == "type mismatch"


def test_a_pod_that_is_gone_is_reported(kfp: KfpStandIn, namespace: str) -> None:
    run = fairing_kfp.submit(digits, host=kfp.url, namespace=namespace, builder=StandInBuilder())

    with pytest.raises(
        KfpError, match=f"the log of the step train is gone: the namespace {namespace} has no pod of it"
    ):
        run.log("train")
