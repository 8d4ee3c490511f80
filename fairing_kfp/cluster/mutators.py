"""Mutators: functions that take a pod specification and return a changed copy.

    mutate = composed(resources(cpu="2", memory="4Gi"), gpu(1), mount_claim("data", "/data"))
    job["spec"]["template"]["spec"] = mutate(spec)

They change every container of the specification, but not sidecars that are injected later.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from functools import reduce
from types import SimpleNamespace
from typing import Any

from fairing_kfp.cluster.names import object_name
from fairing_kfp.cluster.quantities import amount, quantity
from fairing_kfp.errors import ConfigError

PodSpec = dict[str, Any]
Mutator = Callable[[PodSpec], PodSpec]

NVIDIA, AMD, INTEL = "nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915"


def composed(*mutators: Mutator) -> Mutator:
    """A mutator that applies others in turn."""
    return lambda spec: reduce(lambda changed, mutate: mutate(changed), mutators, spec)


def resources(
    cpu: str | float | None = None,
    memory: str | None = None,
    cpu_limit: str | float | None = None,
    memory_limit: str | None = None,
    others: Mapping[str, str | int] | None = None,
) -> Mutator:
    """Sets the resource requests and limits of each container.

    Args:
        cpu: requested cores: `2`, `500m`.
        memory: requested memory: `4Gi`. By default the memory limit.
        cpu_limit: maximum cores. Without it, a container may use what is free on the node.
        memory_limit: maximum memory, beyond which the container is killed. By default the requested memory.
        others: requests and limits of other resources, such as `ephemeral-storage`.

    Raises:
        ConfigError: a quantity is malformed, or a request exceeds its limit.
    """
    max_memory = memory_limit if memory_limit is not None else memory
    requests = _quantities({"cpu": cpu, "memory": memory if memory is not None else memory_limit, **(others or {})})
    limits = _quantities({"cpu": cpu_limit, "memory": max_memory, **(others or {})})
    for name in requests.keys() & limits.keys():
        if amount(requests[name], name) > amount(limits[name], name):
            raise ConfigError(
                f"the request of {requests[name]} {name} exceeds the limit of {limits[name]}",
                f"raise the limit of {name}",
            )

    def change(container: PodSpec) -> None:
        current = container.setdefault("resources", {})
        for key, values in (("requests", requests), ("limits", limits)):
            if values:
                current[key] = {**(current.get(key) or {}), **values}

    return _each(change)


def gpu(count: int, vendor: str = NVIDIA) -> Mutator:
    """Requests GPUs for each container.

    Args:
        count: number of GPUs.
        vendor: resource name of the device plugin: `nvidia.com/gpu`, `amd.com/gpu`, `nvidia.com/mig-1g.5gb`.

    Raises:
        ConfigError: the count is not an integer, or the vendor is not a resource name.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ConfigError(f"{count!r} is not a number of GPUs", "write an integer")
    if "/" not in vendor:
        raise ConfigError(f"{vendor!r} is not a resource name", f"write it as the node lists it, such as {NVIDIA}")
    return resources(others={vendor: count})


def mount_claim(claim: str, path: str, *, read_only: bool = False, sub_path: str = "") -> Mutator:
    """Mounts a persistent volume claim.

    Args:
        claim: name of the claim.
        path: absolute path of the mount.
        read_only: whether to mount it read-only.
        sub_path: path in the volume; by default its root.

    Raises:
        ConfigError: the path is relative.
    """
    source = {"persistentVolumeClaim": {"claimName": claim}}
    return _mounted(f"pvc-{claim}", source, path, read_only=read_only, sub_path=sub_path)


def mount_secret(secret: str, path: str) -> Mutator:
    """Mounts a secret as a folder with a file for each key."""
    return _mounted(f"secret-{secret}", {"secret": {"secretName": secret}}, path, read_only=True)


def mount_config_map(config_map: str, path: str) -> Mutator:
    """Mounts a config map as a folder with a file for each key."""
    return _mounted(f"config-{config_map}", {"configMap": {"name": config_map}}, path, read_only=True)


def mount_empty(path: str, *, memory: bool = False, size: str | None = None) -> Mutator:
    """Mounts an empty folder, which is deleted with the pod.

    Args:
        path: absolute path of the mount; `/dev/shm` for the shared memory of PyTorch's data loaders.
        memory: whether it is in memory.
        size: maximum size, such as `1Gi`.

    Raises:
        ConfigError: the path is relative, or the size is malformed.
    """
    options = {**({"medium": "Memory"} if memory else {}), **({"sizeLimit": quantity(size, "storage")} if size else {})}
    return _mounted(f"empty-{path}", {"emptyDir": options}, path)


def environment(variables: Mapping[str, str]) -> Mutator:
    """Sets environment variables, which are readable in the pod specification."""
    return _variables([{"name": name, "value": value} for name, value in variables.items()])


def environment_from_secret(secret: str, keys: Mapping[str, str] | None = None) -> Mutator:
    """Sets environment variables from a secret.

    Args:
        secret: name of the secret.
        keys: keys of the secret, by variable; by default each key becomes a variable.
    """
    if keys is not None:
        return _variables(
            [{"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for name, key in keys.items()]
        )
    source = {"secretRef": {"name": secret}}
    return _each(lambda container: _append(container, "envFrom", source))


def node_selector(**labels: str) -> Mutator:
    """Schedules pods onto nodes with these labels; write labels that are not identifiers as `**{"a/b": "c"}`."""
    return _with(lambda spec: spec.update(nodeSelector={**(spec.get("nodeSelector") or {}), **labels}))


def toleration(key: str, value: str | None = None, effect: str | None = None) -> Mutator:
    """Allows pods on nodes with a taint.

    Args:
        key: key of the taint.
        value: value of the taint; any by default.
        effect: effect of the taint; any by default.
    """
    tolerated = {"key": key, "operator": "Exists" if value is None else "Equal"}
    tolerated |= {name: text for name, text in (("value", value), ("effect", effect)) if text is not None}
    return _with(lambda spec: _append(spec, "tolerations", tolerated))


def image_pull_secret(secret: str) -> Mutator:
    """Adds a secret for pulling images."""
    return _with(lambda spec: _append(spec, "imagePullSecrets", {"name": secret}))


def service_account(name: str, *, token: bool = False) -> Mutator:
    """Sets the service account.

    Args:
        name: name of the service account.
        token: whether its token is mounted.
    """
    return _with(lambda spec: spec.update(serviceAccountName=name, automountServiceAccountToken=token))


def non_root(user: int | None = None) -> Mutator:
    """Sets the security context that the `restricted` Pod Security Standard requires.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    Args:
        user: user and group id; by default those of the image.
    """
    of_pod: PodSpec = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if user is not None:
        of_pod |= {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    of_container = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return composed(
        _with(lambda spec: _update(spec, of_pod)), _each(lambda container: _update(container, of_container))
    )


def run_as_root() -> Mutator:
    """Runs the containers as root and without the restrictions of `non_root`, for images that need it."""
    of_pod: PodSpec = {"runAsNonRoot": False, "runAsUser": 0, "runAsGroup": 0}
    of_container = {"allowPrivilegeEscalation": True, "capabilities": {"drop": []}}
    return composed(
        _with(lambda spec: _update(spec, of_pod)), _each(lambda container: _update(container, of_container))
    )


def from_fairing(
    mutator: Callable[[Any, Any, str], object], namespace: str = "default", kube_manager: object = None
) -> Mutator:
    """Adapts a mutator of Kubeflow Fairing, which changes a `kubernetes.client.V1PodSpec` in place.

    Args:
        mutator: function with the arguments `(kube_manager, pod_spec, namespace)`.
        namespace: namespace that it is called with.
        kube_manager: manager that it is called with; Fairing's mutators of resources and volumes do not use it.

    Raises:
        ConfigError: the mutator is called with fields that the installed `kubernetes` package does not have.
    """

    def mutate(spec: PodSpec) -> PodSpec:
        from kubernetes.client import ApiClient

        with ApiClient() as client:
            pod = client.deserialize(SimpleNamespace(data=json.dumps(spec)), "V1PodSpec")
            if client.sanitize_for_serialization(pod) != json.loads(json.dumps(spec)):
                raise ConfigError(
                    "the pod specification has fields that the installed kubernetes package does not have",
                    "put Fairing's mutators before the others, or upgrade the package",
                )
            mutator(kube_manager, pod, namespace)
            changed: PodSpec = client.sanitize_for_serialization(pod)
        return changed

    return mutate


def _with(change: Callable[[PodSpec], None]) -> Mutator:
    def mutate(spec: PodSpec) -> PodSpec:
        changed = copy.deepcopy(spec)
        change(changed)
        return changed

    return mutate


def _each(change: Callable[[PodSpec], None]) -> Mutator:
    def change_all(spec: PodSpec) -> None:
        for container in spec.get("containers") or []:
            change(container)

    return _with(change_all)


def _mounted(stem: str, source: PodSpec, path: str, *, read_only: bool = False, sub_path: str = "") -> Mutator:
    if not path.startswith("/"):
        raise ConfigError(f"cannot mount a volume at {path!r}", "write an absolute path")
    name = object_name(stem)
    mount: PodSpec = {"name": name, "mountPath": path}
    mount |= {"readOnly": True} if read_only else {}
    mount |= {"subPath": sub_path} if sub_path else {}
    return composed(
        _with(lambda spec: _append(spec, "volumes", {"name": name, **source})),
        _each(lambda container: _append(container, "volumeMounts", mount)),
    )


def _variables(variables: list[PodSpec]) -> Mutator:
    def change(container: PodSpec) -> None:
        named = {variable["name"]: variable for variable in [*(container.get("env") or []), *variables]}
        container["env"] = list(named.values())

    return _each(change)


def _append(owner: PodSpec, key: str, item: PodSpec) -> None:
    """Appends an item to a list, unless it is there: applying a mutator twice is applying it once."""
    items = owner.get(key) or []
    owner[key] = items if item in items else [*items, item]


def _update(owner: PodSpec, context: PodSpec) -> None:
    owner["securityContext"] = {**(owner.get("securityContext") or {}), **context}


def _quantities(amounts: Mapping[str, str | float | None]) -> dict[str, str]:
    return {name: quantity(text, name) for name, text in amounts.items() if text is not None}
