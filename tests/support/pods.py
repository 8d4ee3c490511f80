"""Pods of tests, run to their ends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.kinds import POD
from tests.support.administrator import administrator, create, delete, merge, until

STRICT: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""The security context of a container without privileges."""


def enforce_pod_security(namespace: str, standard: str | None) -> None:
    """Lets a namespace admit only pods that meet a standard, such as `restricted`; None admits all."""
    labels = {"pod-security.kubernetes.io/enforce": standard}
    merge({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, {"metadata": {"labels": labels}})


def ended(namespace: str, manifest: Mapping[str, Any], seconds: float = 300) -> tuple[Object, dict[str, str]]:
    """Runs a pod until all of its containers have ended; returns its status and the logs of its containers by name.

    Args:
        namespace: its namespace.
        manifest: the pod, which is not restarted.
        seconds: time it may take.
    """
    pod = create(namespace, dict(manifest))
    status = until(pod, lambda state: state["status"].get("phase") in ("Succeeded", "Failed"), seconds)["status"]
    containers = [one["name"] for one in status.get("containerStatuses", ())]
    return status, {one: _log(namespace, manifest["metadata"]["name"], one) for one in containers}


def run_pod(namespace: str, **spec: Any) -> dict[str, str]:
    """Runs a pod, whose containers must succeed; returns their logs by name. The pod is deleted.

    Args:
        namespace: its namespace.
        spec: fields of its specification.
    """
    name = f"fairing-{uuid.uuid4().hex[:10]}"
    described = {"restartPolicy": "Never", "automountServiceAccountToken": False, **spec}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}}
    try:
        status, logs = ended(namespace, {**manifest, "spec": described})
    finally:
        delete(manifest, grace=0)
    assert status["phase"] == "Succeeded", (status, logs)
    return logs


def _log(namespace: str, pod: str, container: str) -> str:
    path = POD.path(namespace, pod, "log")
    with administrator().stream(path, {"container": container}, read_timeout=60) as chunks:
        return b"".join(chunks).decode()
