"""The checks, in order."""

from __future__ import annotations

from collections.abc import Iterator

from fairing_kfp.doctor import images, machine, services
from fairing_kfp.doctor.check import Check, Finding, Setup

CHECKS = (
    Check("Python", machine.python),
    Check("kfp", machine.kfp),
    Check("cache", machine.cache),
    Check("builder", images.builder),
    Check("registry", images.registry, images.pushes),
    Check("base image", images.base_image, images.reads_base),
    Check("engine", images.engine, images.by_engine),
    Check("Kubernetes", services.kubernetes, images.by_cluster),
    Check("roles", services.roles, images.by_cluster),
    Check("Kubeflow Pipelines", services.pipelines, services.has_host),
)


def examine(setup: Setup) -> Iterator[Finding]:
    """Runs the checks, one after the other; they change nothing."""
    return (check.examine(setup) for check in CHECKS)
