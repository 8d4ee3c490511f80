"""What is wanted of a pod, as functions from one pod specification to the next; none changes what it is given.

    change = composed(resources(cpu="2", memory="4Gi"), gpu(1), mount_claim("data", "/data"))
    job["spec"]["template"]["spec"] = change(spec)

They hold for every container of the pod, apart from sidecars that others add later.
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
    """One mutator that does what several do, one after the other."""
    return lambda spec: reduce(lambda changed, mutate: mutate(changed), mutators, spec)


def resources(
    cpu: str | float | None = None,
    memory: str | None = None,
    cpu_limit: str | float | None = None,
    memory_limit: str | None = None,
    others: Mapping[str, str | int] | None = None,
) -> Mutator:
    """What each container asks for, and what it may use at most.

    Args:
        cpu: is asked for: `2`, `500m`.
        memory: is asked for: `4Gi`.
        cpu_limit: at most; without it, what is free on the node.
        memory_limit: at most; more ends the container. By default what is asked for.
        others: devices and the like, such as `ephemeral-storage`; at most as well as at least.

    Raises:
        ConfigError: a quantity is malformed, or more is asked for than is allowed.
    """
    most_memory = memory_limit if memory_limit is not None else memory
    asked = _quantities({"cpu": cpu, "memory": memory if memory is not None else memory_limit, **(others or {})})
    limits = _quantities({"cpu": cpu_limit, "memory": most_memory, **(others or {})})
    for name in asked.keys() & limits.keys():
        if amount(asked[name], name) > amount(limits[name], name):
            raise ConfigError(
                f"{asked[name]} of {name} is asked for, and {limits[name]} allowed", f"raise the limit of {name}"
            )

    def change(container: PodSpec) -> None:
        wanted = container.setdefault("resources", {})
        for key, values in (("requests", asked), ("limits", limits)):
            if values:
                wanted[key] = {**(wanted.get(key) or {}), **values}

    return _each(change)


def gpu(count: int, vendor: str = NVIDIA) -> Mutator:
    """Devices for each container.

    Args:
        count: how many.
        vendor: what the device plugin calls them: `nvidia.com/gpu`, `amd.com/gpu`, `nvidia.com/mig-1g.5gb`.

    Raises:
        ConfigError: the count is no whole number, or the vendor no name of a resource.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ConfigError(f"{count!r} is no number of GPUs", "write a whole number")
    if "/" not in vendor:
        raise ConfigError(f"{vendor!r} is no name of a device", f"write it as the node lists it, such as {NVIDIA}")
    return resources(others={vendor: count})


def mount_claim(claim: str, path: str, *, read_only: bool = False, sub_path: str = "") -> Mutator:
    """A persistent volume claim as a folder.

    Args:
        claim: its name.
        path: the folder.
        read_only: whether it cannot be written.
        sub_path: a folder of the volume, instead of its root.
    """
    source = {"persistentVolumeClaim": {"claimName": claim}}
    return _mounted(f"pvc-{claim}", source, path, read_only=read_only, sub_path=sub_path)


def mount_secret(secret: str, path: str) -> Mutator:
    """A secret as a folder with a file a key."""
    return _mounted(f"secret-{secret}", {"secret": {"secretName": secret}}, path, read_only=True)


def mount_config_map(config_map: str, path: str) -> Mutator:
    """A config map as a folder with a file a key."""
    return _mounted(f"config-{config_map}", {"configMap": {"name": config_map}}, path, read_only=True)


def mount_empty(path: str, *, memory: bool = False, size: str | None = None) -> Mutator:
    """An empty folder that goes with the pod.

    Args:
        path: the folder; `/dev/shm` for what PyTorch's loaders share.
        memory: whether it is in memory.
        size: how much fits at most.

    Raises:
        ConfigError: the size is malformed.
    """
    options = {**({"medium": "Memory"} if memory else {}), **({"sizeLimit": quantity(size, "storage")} if size else {})}
    return _mounted(f"empty-{path}", {"emptyDir": options}, path)


def environment(variables: Mapping[str, str]) -> Mutator:
    """Environment variables, in the clear."""
    return _variables([{"name": name, "value": value} for name, value in variables.items()])


def environment_from_secret(secret: str, keys: Mapping[str, str] | None = None) -> Mutator:
    """Environment variables whose values are a secret's.

    Args:
        secret: its name.
        keys: the secret's key of each variable; by default every key is a variable.
    """
    if keys is not None:
        return _variables(
            [{"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for name, key in keys.items()]
        )
    source = {"secretRef": {"name": secret}}
    return _each(lambda container: _append(container, "envFrom", source))


def node_selector(**labels: str) -> Mutator:
    """Nodes that have labels; names with other characters are given as `**{"a/b": "c"}`."""
    return _with(lambda spec: spec.update(nodeSelector={**(spec.get("nodeSelector") or {}), **labels}))


def toleration(key: str, value: str | None = None, effect: str | None = None) -> Mutator:
    """Nodes that a taint keeps others from.

    Args:
        key: the taint's.
        value: the taint's; any by default.
        effect: the taint's; any by default.
    """
    found = {"key": key, "operator": "Exists" if value is None else "Equal"}
    found |= {name: text for name, text in (("value", value), ("effect", effect)) if text is not None}
    return _with(lambda spec: _append(spec, "tolerations", found))


def image_pull_secret(secret: str) -> Mutator:
    """A secret that images are pulled with."""
    return _with(lambda spec: _append(spec, "imagePullSecrets", {"name": secret}))


def service_account(name: str, *, token: bool = False) -> Mutator:
    """The account that the pod runs as, by default without its token."""
    return _with(lambda spec: spec.update(serviceAccountName=name, automountServiceAccountToken=token))


def non_root(user: int | None = None) -> Mutator:
    """No privilege, as the `restricted` Pod Security Standard wants it.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted

    Args:
        user: the numeric user; by default the image's.
    """
    of_pod: PodSpec = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if user is not None:
        of_pod |= {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    of_container = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return composed(
        _with(lambda spec: _update(spec, of_pod)), _each(lambda container: _update(container, of_container))
    )


def from_fairing(
    mutator: Callable[[Any, Any, str], object], namespace: str = "default", kube_manager: object = None
) -> Mutator:
    """A mutator in the form that Kubeflow Fairing had: `(kube_manager, pod_spec, namespace)`.

    Such a one changes a `kubernetes.client.V1PodSpec` in place.

    Args:
        mutator: Fairing's.
        namespace: is told to it.
        kube_manager: likewise; Fairing's own mutators of resources and volumes ask it nothing.
    """

    def mutate(spec: PodSpec) -> PodSpec:
        from kubernetes.client import ApiClient

        with ApiClient() as client:
            pod = client.deserialize(SimpleNamespace(data=json.dumps(spec)), "V1PodSpec")
            if client.sanitize_for_serialization(pod) != json.loads(json.dumps(spec)):
                raise ConfigError(
                    "the pod specification has fields that the installed kubernetes client does not know",
                    "let mutators in Fairing's form come before the others",
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
        raise ConfigError(f"{path!r} is no place for a volume", "write an absolute path")
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
    """Adds to a list what it lacks: mutating twice is mutating once."""
    present = owner.get(key) or []
    owner[key] = present if item in present else [*present, item]


def _update(owner: PodSpec, context: PodSpec) -> None:
    owner["securityContext"] = {**(owner.get("securityContext") or {}), **context}


def _quantities(amounts: Mapping[str, str | float | None]) -> dict[str, str]:
    return {name: quantity(text, name) for name, text in amounts.items() if text is not None}
