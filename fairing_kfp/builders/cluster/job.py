"""The Job of the cluster builder: one pod under the restricted Pod Security Standard, with attached standard input."""

from __future__ import annotations

from fairing_kfp.builders.cluster.options import ClusterOptions
from fairing_kfp.builders.cluster.package import PROGRAM
from fairing_kfp.builders.job_pod import CONTAINER
from fairing_kfp.cluster.client import Object

FEATURE = "build"
"""Name of the role, in `fairing_kfp.cluster.rbac`."""

_USER = 65532  # as in our own image
_LONGEST = 6 * 3600  # seconds of a build; a Job that never started, and that nobody deleted, ends as well
_TTL = 300  # seconds until a Job that nobody deleted is removed
_ISTIO = {"sidecar.istio.io/inject": "false"}  # a sidecar keeps pods from finishing
_LOGIN = "/etc/fairing-kfp/registry"


def job(options: ClusterOptions, name: str, namespace: str) -> Object:
    """The manifest of a Job.

    Args:
        options: the options.
        name: name of the Job.
        namespace: namespace of the Job.
    """
    volumes: list[Object] = [{"name": "tmp", "emptyDir": {}}]
    mounts: list[Object] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - the pod's own volume
    env = [{"name": "PYTHONUNBUFFERED", "value": "1"}]
    if options.secret:
        volumes.append({"name": "registry", "secret": {"secretName": options.secret}})
        mounts.append({"name": "registry", "mountPath": _LOGIN, "readOnly": True})
        env.append({"name": "DOCKER_CONFIG", "value": _LOGIN})
    pod: Object = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": options.image,
                "command": ["python3", "-c", PROGRAM],
                "env": env,
                "stdin": True,
                "stdinOnce": True,  # the program ends with the connection
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if options.service_account:
        pod["serviceAccountName"] = options.service_account
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": _LONGEST,
            "ttlSecondsAfterFinished": _TTL,
            "template": {"metadata": {"labels": _ISTIO, "annotations": _ISTIO}, "spec": pod},
        },
    }
