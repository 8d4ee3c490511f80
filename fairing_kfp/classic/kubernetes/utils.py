"""Pod spec mutators, in Fairing's form `(kube_manager, pod_spec, namespace)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.classic.constants.constants import PVC_DEFAULT_MOUNT_PATH
from fairing_kfp.classic.work.deprecation import warn_once
from fairing_kfp.classic.work.mutators import FairingMutator, in_fairings_form
from fairing_kfp.cluster.mutators import (
    Mutator,
    PodSpec,
    composed,
    environment,
    mount_claim,
    mount_config_map,
    mount_secret,
    resources,
)
from fairing_kfp.cluster.mutators import (
    gpu as gpus,
)
from fairing_kfp.cluster.mutators import (
    node_selector as with_node_selector,
)
from fairing_kfp.errors import ConfigError

_GIB = 1.073741824  # gigabytes


def get_resource_mutator(
    cpu: float | None = None, memory: float | None = None, gpu: int | None = None, gpu_vendor: str = "nvidia"
) -> FairingMutator:
    """A mutator that sets the resources of each container.

    Args:
        cpu: limit of cores.
        memory: memory, in gigabytes.
        gpu: number of GPUs.
        gpu_vendor: `nvidia` or `amd`.

    Raises:
        ConfigError: a number is malformed.
    """
    mutators: list[Mutator] = []
    if cpu is not None or memory is not None:
        limit = None if memory is None else f"{round(memory / _GIB, 2)}Gi"
        mutators.append(resources(cpu=cpu, cpu_limit=cpu, memory=limit))
    if gpu is not None:
        mutators.append(gpus(gpu, f"{gpu_vendor}.com/gpu"))
    return in_fairings_form(composed(*mutators))


def mounting_pvc(pvc_name: str, pvc_mount_path: str = PVC_DEFAULT_MOUNT_PATH) -> FairingMutator:
    """A mutator that mounts a persistent volume claim; see `volume_mounts`."""
    warn_once("mounting_pvc", "", 'mounting_pvc is deprecated: use volume_mounts("pvc", …)')
    return volume_mounts("pvc", pvc_name, pvc_mount_path)


def volume_mounts(volume_type: str, volume_name: str, mount_path: str, sub_path: str | None = None) -> FairingMutator:
    """A mutator that mounts a volume.

    Args:
        volume_type: `pvc`, `secret` or `config_map`.
        volume_name: name of the claim, secret or config map.
        mount_path: absolute path of the mount.
        sub_path: path in the volume; its root by default.

    Raises:
        ConfigError: the type is unknown, or the path is relative.
    """
    if volume_type == "pvc":
        return in_fairings_form(mount_claim(volume_name, mount_path, sub_path=sub_path or ""))
    mounts = {"secret": mount_secret, "config_map": mount_config_map}
    if volume_type not in mounts:
        raise ConfigError(f"the volume type {volume_type!r} does not exist", "use pvc, secret or config_map")
    mutate = mounts[volume_type](volume_name, mount_path)
    return in_fairings_form(composed(mutate, _below(mount_path, sub_path)) if sub_path else mutate)


def add_env(env_vars: Mapping[str, Any]) -> FairingMutator:
    """A mutator that sets environment variables.

    Args:
        env_vars: values by name.
    """
    return in_fairings_form(environment({name: str(value) for name, value in env_vars.items()}))


def get_node_selector(node_selector: Mapping[str, str] | None) -> FairingMutator:
    """A mutator that schedules pods onto nodes with labels.

    Args:
        node_selector: the labels; None for any node.
    """
    return in_fairings_form(with_node_selector(**(node_selector or {})))


def _below(mount_path: str, sub_path: str) -> Mutator:
    """Mounts a path in a volume instead of its root."""

    def mutate(spec: PodSpec) -> PodSpec:
        for container in spec["containers"]:
            for mount in container.get("volumeMounts") or []:
                if mount["mountPath"] == mount_path:
                    mount["subPath"] = sub_path
        return spec

    return mutate
