"""Pieces of pod specifications laid upon one another, as Kubernetes does with a strategic merge patch.

In two places we do otherwise, as that patch makes there what nobody wants. Variables and volumes of one name are not
mixed: one that has a value below and a secret's above would have both, which Kubernetes refuses. And tolerations and
`envFrom` from above do not drop those from below.

Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

_KEYS = {
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
_WHOLE = {"env", "volumes"}
_UNITED = {"envFrom", "tolerations"}


def merged(below: Any, above: Any, of: str = "") -> Any:
    """One value upon another: mappings are merged, lists joined by what their items are known by; else the upper holds.

    Args:
        below: what holds where the other says nothing.
        above: the other.
        of: the field whose values they are.
    """
    if isinstance(below, dict) and isinstance(above, dict):
        both = {**below, **above}
        return {
            key: merged(below[key], above[key], key) if key in below and key in above else both[key] for key in both
        }
    if isinstance(below, list) and isinstance(above, list):
        if of in _UNITED:
            return [*below, *(item for item in above if item not in below)]
        if of in _KEYS:
            return _joined(below, above, of)
    return above


def _joined(below: list[Any], above: list[Any], of: str) -> list[Any]:
    key = _KEYS[of]
    found = {item[key]: item for item in below}
    for item in above:
        mixed = item[key] in found and of not in _WHOLE
        found[item[key]] = merged(found[item[key]], item) if mixed else item
    return list(found.values())
