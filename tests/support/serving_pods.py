"""Pods that serve a model, and the objects that the backends make of them."""

from __future__ import annotations

from typing import Any

from fairing_kfp.serving.backend import Backend, backend
from fairing_kfp.serving.pod import ServingPod
from fairing_kfp.serving.spec import ServingSpec

IMAGE = "registry.example.com/me/p@sha256:" + "a" * 64


def serving_pod(target: str = "deployment", **options: Any) -> ServingPod:
    """A pod with a model of 10 MiB."""
    spec = ServingSpec("digits", image=IMAGE, target=target, **options)  # type: ignore[arg-type]
    return ServingPod(spec, IMAGE, 10 << 20)


def main_object(pod: ServingPod) -> tuple[Backend, dict[str, Any]]:
    """The pod's backend, and its main object."""
    chosen = backend(pod.spec.target)
    return chosen, chosen.manifests(pod, None)[0]
