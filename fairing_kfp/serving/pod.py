"""The pods that serve a model: their image, labels and spec, and the version that stands for all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.owner import MANAGED_BY, MANAGER
from fairing_kfp.cluster.strategic_merge import merge
from fairing_kfp.serving.spec import ServingSpec

PORT = 8080
"""Port of the server, as KServe expects it."""

READY, LIVE = "/v2/health/ready", "/v2/health/live"
SERVES, BY = "fairing-kfp/serves", "fairing-kfp/by"
"""Labels with the name of the served model and the backend. Together they select the pods."""

VERSION = "fairing-kfp/version"
"""Label with a digest of the pod spec and the image."""

USER = 65532
_MIB = 1 << 20
_PRE_STOP_SECONDS = 5  # a pod that ends still gets requests until all nodes have removed it from the Service
_LINGER_SECONDS = 2  # then the server asks clients to open another connection
_GRACE_SECONDS = 45  # in all; draining the server takes up to 20
_PROBE_SECONDS = 2


@dataclass(frozen=True)
class ServingPod:
    """What the pods run.

    Attributes:
        spec: the author's options.
        image: image by digest, with the model; empty for a model format.
        size: size of the model, in bytes.
        storage: URI of a model that KServe loads.
    """

    spec: ServingSpec
    image: str = ""
    size: int = 0
    storage: str = ""

    @property
    def name(self) -> str:
        """The name of the served model."""
        return self.spec.name

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all objects; ours override the author's."""
        return {**self.spec.labels, **owner_labels(self.name)}


def selector(spec: ServingSpec) -> dict[str, str]:
    """The labels that select the pods. Two backends may serve one name while one replaces the other."""
    return {SERVES: spec.name, BY: spec.target}


def owner_labels(name: str) -> dict[str, str]:
    """The labels that mark objects as ours. They are equal in all runs, since a served model outlives its run."""
    return {MANAGED_BY: MANAGER, SERVES: name}


def pod_spec(pod: ServingPod, container: str) -> Object:
    """The pod spec, which conforms to the `restricted` Pod Security Standard unless the author's mutators override it.

    Args:
        pod: the pods' content.
        container: the name of the container with the server.
    """
    spec = pod.spec
    ours: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": container,
                "image": pod.image,
                "ports": [{"containerPort": PORT, "protocol": "TCP"}],
                "env": [{"name": name, "value": value} for name, value in _environment(spec).items()],
                "resources": _resources(pod.size, spec.workers),
                "startupProbe": _probe(READY, failureThreshold=-(-spec.load_within // _PROBE_SECONDS)),
                "readinessProbe": _probe(READY, failureThreshold=3),
                "livenessProbe": _probe(LIVE, periodSeconds=10, failureThreshold=6),
                "lifecycle": {"preStop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if spec.registry_secret:
        ours["imagePullSecrets"] = [{"name": spec.registry_secret}]
    merged: Object = merge(ours, author_pod(spec, container))
    return merged


def author_pod(spec: ServingSpec, container: str) -> Object:
    """The pod spec that the author's mutators made, with its first container renamed."""
    containers = [dict(one) for one in spec.pod.get("containers") or [{}]]
    containers[0]["name"] = container
    return {**spec.pod, "containers": containers}


def version_of(pod: Mapping[str, Any], image: str) -> str:
    """The version of a pod spec and its image; equal for equal ones."""
    first, *others = pod.get("containers") or [{}]
    rest = {**pod, "containers": [{**first, "image": ""}, *others]}
    return with_image(_digits(json.dumps(rest, sort_keys=True)), image)


def with_image(version: str, image: str) -> str:
    """The version of the same pod spec with another image."""
    return f"{version.partition('.')[0]}.{_digits(image)}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _environment(spec: ServingSpec) -> dict[str, str]:
    # The user has no home directory, which some libraries write to.
    always = {"FAIRING_MODEL_NAME": spec.name, "FAIRING_LINGER_SECONDS": str(_LINGER_SECONDS), "HOME": "/tmp"}  # noqa: S108
    chosen: dict[str, float] = {"FAIRING_WORKERS": spec.workers} if spec.workers > 1 else {}
    if spec.max_batch > 1:
        chosen |= {"FAIRING_MAX_BATCH": spec.max_batch, "FAIRING_MAX_WAIT_SECONDS": spec.max_wait}
    return always | {name: str(value) for name, value in chosen.items()}


def _probe(path: str, **more: int) -> Object:
    return {"httpGet": {"path": path, "port": PORT}, "periodSeconds": _PROBE_SECONDS, "timeoutSeconds": 5, **more}


def _resources(size: int, workers: int) -> Object:
    # While a model loads, it may be in memory twice.
    model = -(-size // _MIB)
    return {
        "requests": {"cpu": "100m", "memory": f"{workers * (256 + model)}Mi"},
        "limits": {"memory": f"{workers * (1024 + 2 * model)}Mi"},
    }
