"""Pieces of pod specifications laid upon one another, as Kubernetes does with a strategic merge patch.

Source: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from typing import Any

_KEYS = {"containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath"}


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
        return _joined(below, above, _KEYS.get(of))
    return above


def _joined(below: list[Any], above: list[Any], key: str | None) -> list[Any]:
    if key is None:
        return [*below, *(item for item in above if item not in below)]
    found = {item[key]: item for item in below}
    for item in above:
        found[item[key]] = merged(found[item[key]], item) if item[key] in found else item
    return list(found.values())
