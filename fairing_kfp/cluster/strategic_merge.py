"""Merges pod specifications like a strategic merge patch, with two differences.

A variable or volume of the patch replaces the one of the same name, instead of being merged into it: a variable with a
value in the base and a secret's in the patch would have both, which Kubernetes rejects. And tolerations and `envFrom`
are added, instead of replacing those of the base.

Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

_MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_REPLACED = {"env", "volumes"}
_ADDED = {"envFrom", "tolerations"}


def merge(base: Any, patch: Any, field: str = "") -> Any:
    """Merges a patch into a base. Mappings are merged, lists by their merge key; other values are replaced.

    Args:
        base: the base; not changed.
        patch: the patch; takes precedence.
        field: name of the field that has these values.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        both = {**base, **patch}
        return {key: merge(base[key], patch[key], key) if key in base and key in patch else both[key] for key in both}
    if isinstance(base, list) and isinstance(patch, list):
        if field in _ADDED:
            return [*base, *(item for item in patch if item not in base)]
        if field in _MERGE_KEYS:
            return _by_key(base, patch, field)
    return patch


def _by_key(base: list[Any], patch: list[Any], field: str) -> list[Any]:
    key = _MERGE_KEYS[field]
    items = {item[key]: item for item in base}
    for item in patch:
        merges = item[key] in items and field not in _REPLACED
        items[item[key]] = merge(items[item[key]], item) if merges else item
    return list(items.values())
