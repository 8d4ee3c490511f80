"""The pods of a job: the component's image, what the author and KFP want of them, and what the exchange needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.merging import merged
from fairing_kfp.preprocess.places import COMMAND
from fairing_kfp.runtime.node import VERIFIER
from fairing_kfp.train.order import Order
from fairing_kfp.train.workload import PORT

ANNOTATION = "fairing-kfp/verifier"
"""What a node knows its step by: the SHA-256 of a token that the step alone has."""

NODE = "--node"
"""What the step's program is told to be a node."""

_ISTIO = {
    "sidecar.istio.io/inject": "false"
}  # a sidecar would keep the pod from ending; label or annotation by release
_STORES = ("gcs", "minio", "s3")
"""Where KFP lays artifacts, `LocalPathForURI` of launcher_v2.go; as in KFP's own pods nothing else is made writable."""


def pod_template(
    order: Order, container: str, labels: Mapping[str, str], verifier: str, task: Mapping[str, Any]
) -> Object:
    """`metadata` and `spec` of a job's pods.

    What the author's mutators say goes before KFP's settings of the task, and those before ours.

    Args:
        order: what is to be run.
        container: the name of the container that runs the code.
        labels: by which ours is known.
        verifier: see `ANNOTATION`.
        task: KFP's TaskConfig: `resources`, `env`, `tolerations`, `nodeSelector`, `affinity`, `volumes` and
            `volumeMounts`.
    """
    folder, _, file = VERIFIER.rpartition("/")
    told = {"fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}, "path": file}
    ours: Object = {
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": container,
                "image": order.image,
                "command": [*COMMAND, NODE],
                "ports": [{"name": "fairing", "containerPort": PORT}],
                "env": [{"name": "FAIRING_PORT", "value": str(PORT)}],
                "volumeMounts": [
                    {"name": "fairing-step", "mountPath": folder, "readOnly": True},
                    *({"name": f"fairing-{store}", "mountPath": f"/{store}"} for store in _STORES),
                ],
            }
        ],
        "volumes": [
            {"name": "fairing-step", "downwardAPI": {"items": [told]}},
            *({"name": f"fairing-{store}", "emptyDir": {}} for store in _STORES),
        ],
    }
    spec = merged(merged(ours, _of_task(task, container)), _of_author(order.pod, container))
    metadata = {
        "labels": {**order.labels, **labels, **_ISTIO},
        "annotations": {**order.annotations, **_ISTIO, ANNOTATION: verifier},
    }
    return {"metadata": metadata, "spec": spec}


def _of_task(task: Mapping[str, Any], container: str) -> Object:
    """KFP's settings as a pod specification; what was not set is null or empty there."""
    of_pod = {key: task[key] for key in ("affinity", "tolerations", "nodeSelector", "volumes") if task.get(key)}
    of_container = {key: task[key] for key in ("env", "volumeMounts", "resources") if task.get(key)}
    return {**of_pod, "containers": [{"name": container, **of_container}]}


def _of_author(pod: Mapping[str, Any], container: str) -> Object:
    """What mutators made of a pod with one container, which has here the name that the job's kind wants."""
    containers = [dict(one) for one in pod.get("containers") or [{}]]
    containers[0]["name"] = container
    return {**pod, "containers": containers}
