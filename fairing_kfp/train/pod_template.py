"""The pod template of a job: the component's image, the settings of the author and of the task, and our own volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.strategic_merge import merge
from fairing_kfp.preprocess.image_paths import COMMAND
from fairing_kfp.runtime.node import VERIFIER
from fairing_kfp.train.spec import JobSpec

ANNOTATION = "fairing-kfp/verifier"
"""Annotation with the public number of the step's token, by which a node authenticates the step."""

NODE = "--node"
"""Option that makes the program of a step a node of a job."""

PORT = 9473
"""TCP port on which a node listens for its step."""

_USER = 65532  # as of the images of distroless

RESTRICTED_POD: Object = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "fsGroupChangePolicy": "OnRootMismatch",  # a large volume is not walked each time
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Security context of the pods, as the `restricted` Pod Security Standard requires."""

RESTRICTED_CONTAINER: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""Security context of the container."""

_ISTIO = {"sidecar.istio.io/inject": "false"}  # a sidecar keeps pods from finishing; a label or annotation by release
_STORES = ("gcs", "minio", "s3")
"""Writable folders for artifacts, as in KFP's own pods; see `LocalPathForURI` in KFP's launcher_v2.go."""


def pod_template(
    spec: JobSpec, container: str, labels: Mapping[str, str], verifier: str, task_config: Mapping[str, Any]
) -> Object:
    """`metadata` and `spec` of a job's pods, which meet the `restricted` Pod Security Standard by default.

    The author's mutators take precedence over the settings of the task, and those over our own.

    Args:
        spec: spec of the step.
        container: name of the container that runs the code.
        labels: labels that identify our pods.
        verifier: value of `ANNOTATION`.
        task_config: KFP's TaskConfig: `resources`, `env`, `tolerations`, `nodeSelector`, `affinity`, `volumes` and
            `volumeMounts`.
    """
    folder, _, file = VERIFIER.rpartition("/")
    verifier_file = {"fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}, "path": file}
    own: Object = {
        "automountServiceAccountToken": False,
        "securityContext": RESTRICTED_POD,
        "containers": [
            {
                "name": container,
                "image": spec.image,
                "command": [*COMMAND, NODE],
                "ports": [{"name": "fairing", "containerPort": PORT}],
                "securityContext": RESTRICTED_CONTAINER,
                "env": [{"name": "FAIRING_PORT", "value": str(PORT)}],
                "volumeMounts": [
                    {"name": "fairing-step", "mountPath": folder, "readOnly": True},
                    *({"name": f"fairing-{store}", "mountPath": f"/{store}"} for store in _STORES),
                ],
            }
        ],
        "volumes": [
            {"name": "fairing-step", "downwardAPI": {"items": [verifier_file]}},
            *({"name": f"fairing-{store}", "emptyDir": {}} for store in _STORES),
        ],
    }
    pod = merge(merge(own, _from_task(task_config, container)), _from_author(spec.pod, container))
    metadata = {
        "labels": {**spec.labels, **labels, **_ISTIO},
        "annotations": {**spec.annotations, **_ISTIO, ANNOTATION: verifier},
    }
    return {"metadata": metadata, "spec": pod}


def _from_task(task_config: Mapping[str, Any], container: str) -> Object:
    """The settings of a task as a pod specification; settings that are null or empty are unset."""
    of_pod = {
        key: task_config[key] for key in ("affinity", "tolerations", "nodeSelector", "volumes") if task_config.get(key)
    }
    of_container = {key: task_config[key] for key in ("env", "volumeMounts", "resources") if task_config.get(key)}
    return {**of_pod, "containers": [{"name": container, **of_container}]}


def _from_author(pod: Mapping[str, Any], container: str) -> Object:
    """The pod specification of the mutators, whose first container gets the name that the kind of job requires."""
    containers = [dict(one) for one in pod.get("containers") or [{}]]
    containers[0]["name"] = container
    return {**pod, "containers": containers}
