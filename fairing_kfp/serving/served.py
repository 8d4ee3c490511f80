"""A predictor as it is to run: its image with the model in it, and what its pods are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.merging import merged
from fairing_kfp.cluster.owner import MANAGED_BY, MANAGER
from fairing_kfp.serving.order import Order

PORT = 8080
"""Where predictors listen, as KServe expects it."""

MODELS = "mnt/models"
"""Where models lie in an image, as KServe mounts them."""

READY, LIVE = "/v2/health/ready", "/v2/health/live"
SERVES, BY = "fairing-kfp/serves", "fairing-kfp/by"
"""The labels whose values are the name of what is served and the target; pods are chosen by them."""

VERSION = "fairing-kfp/version"
"""The label whose value stands for all that a pod is made of."""

USER = 65532
_MIB = 1 << 20
_STAY = 5  # seconds in which a pod that is to end gets requests as before: all nodes have to learn of it first
_LINGER = 2  # seconds in which its server then tells clients to open another connection
_GRACE = 45  # seconds that it has in all; the server's own drain takes 20 of them at most
_LOOK = 2  # seconds between two probes


@dataclass(frozen=True)
class Served:
    """What is to be served.

    Attributes:
        order: what its author wants.
        image: by digest, the model within; empty if a model format is served.
        size: the model's, in bytes.
        storage: the URI of a model that KServe loads.
    """

    order: Order
    image: str = ""
    size: int = 0
    storage: str = ""

    @property
    def name(self) -> str:
        """Of what is served."""
        return self.order.name

    @property
    def labels(self) -> dict[str, str]:
        """Those of all that is made; the author's go below ours."""
        return {**self.order.labels, **ownership(self.name)}


def chosen(order: Order) -> dict[str, str]:
    """The labels by which the pods are chosen: a name may be served by two targets while one takes over."""
    return {SERVES: order.name, BY: order.target}


def ownership(name: str) -> dict[str, str]:
    """The labels by which ours is known: the same in every run, as what is served outlives them all."""
    return {MANAGED_BY: MANAGER, SERVES: name}


def pod_spec(served: Served, container: str) -> Object:
    """The specification of its pods, as the `restricted` Pod Security Standard wants them, and what the author wants.

    Args:
        served: what is served.
        container: the name of the container with the server.
    """
    order = served.order
    ours: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": container,
                "image": served.image,
                "ports": [{"containerPort": PORT, "protocol": "TCP"}],
                "env": [{"name": name, "value": value} for name, value in _environment(served.name).items()],
                "resources": _resources(served.size),
                "startupProbe": _probe(READY, failureThreshold=-(-order.load_within // _LOOK)),
                "readinessProbe": _probe(READY, failureThreshold=3),
                "livenessProbe": _probe(LIVE, periodSeconds=10, failureThreshold=6),
                "lifecycle": {"preStop": {"sleep": {"seconds": _STAY}}},
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
    if order.registry_secret:
        ours["imagePullSecrets"] = [{"name": order.registry_secret}]
    whole: Object = merged(ours, authors(order, container))
    return whole


def authors(order: Order, container: str) -> Object:
    """What the author's mutators made of a pod with one container, which has here the name that its kind wants."""
    containers = [dict(one) for one in order.pod.get("containers") or [{}]]
    containers[0]["name"] = container
    return {**order.pod, "containers": containers}


def version_of(pod: Mapping[str, Any], image: str) -> str:
    """What stands for a pod specification and its image: the same, the same version."""
    first, *others = pod.get("containers") or [{}]
    rest = {**pod, "containers": [{**first, "image": ""}, *others]}
    return with_image(_digits(json.dumps(rest, sort_keys=True)), image)


def with_image(version: str, image: str) -> str:
    """The version that is another by its image alone."""
    return f"{version.partition('.')[0]}.{_digits(image)}"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _environment(name: str) -> dict[str, str]:
    """What our server is told; and where libraries may keep files, as a user without a name has no home."""
    return {"FAIRING_MODEL_NAME": name, "FAIRING_LINGER_SECONDS": str(_LINGER), "HOME": "/tmp"}  # noqa: S108


def _probe(path: str, **more: int) -> Object:
    return {"httpGet": {"path": path, "port": PORT}, "periodSeconds": _LOOK, "timeoutSeconds": 5, **more}


def _resources(size: int) -> Object:
    """What a server needs that holds the model once, and while it loads twice."""
    model = -(-size // _MIB)
    return {
        "requests": {"cpu": "100m", "memory": f"{256 + model}Mi"},
        "limits": {"memory": f"{1024 + 2 * model}Mi"},
    }
