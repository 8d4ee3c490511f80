"""The manifest that was applied last, from an object's managed fields.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management, and for the format of
`fieldsV1` https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.owner import MANAGER

_METADATA = ("annotations", "labels", "finalizers", "ownerReferences")


def last_applied(state: Object) -> Object | None:
    """The manifest with the fields that fairing-kfp owns and their current values; None if it never applied one.

    Applying it at once changes nothing; applying it later restores these values.

    Args:
        state: the object, as Kubernetes returned it.
    """
    fields = _fields(state)
    if fields is None:
        return None
    manifest: Object = _owned(state, fields)
    metadata = {key: value for key, value in (manifest.get("metadata") or {}).items() if key in _METADATA}
    namespace = {"namespace": state["metadata"]["namespace"]} if state["metadata"].get("namespace") else {}
    return {
        "apiVersion": state["apiVersion"],
        "kind": state["kind"],
        **manifest,
        "metadata": {"name": state["metadata"]["name"], **namespace, **metadata},
    }


def owns(state: Object, *path: str) -> bool:
    """Whether fairing-kfp owns a field.

    Args:
        state: the object, as Kubernetes returned it.
        path: steps to the field, such as `f:spec`, `f:replicas`.
    """
    fields: Any = _fields(state)
    for step in path:
        if not isinstance(fields, Mapping) or step not in fields:
            return False
        fields = fields[step]
    return True


def _fields(state: Object) -> Mapping[str, Any] | None:
    for entry in state["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply") and not entry.get("subresource"):
            return dict(entry["fieldsV1"])
    return None


def _owned(value: Any, fields: Mapping[str, Any]) -> Any:
    """The part of a value that is owned; all of it if there are no steps into it."""
    steps = [step for step in fields if step != "."]
    if not steps:
        return value
    if isinstance(value, list):
        return [_owned(item, fields[step]) for step in steps if (item := _item(value, step)) is not None]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _owned(value[name], fields[step])
        for step in steps
        if (name := step.partition(":")[2]) in value and step.startswith("f:")
    }


def _item(items: list[Any], step: str) -> Any:
    """The item of a list that a step selects by index (`i:`), value (`v:`) or keys (`k:`)."""
    selector, _, text = step.partition(":")
    if selector == "i":
        index = int(text)
        return items[index] if index < len(items) else None
    selected = json.loads(text)
    if selector == "v":
        return selected if selected in items else None
    return next((one for one in items if all(one.get(key) == value for key, value in selected.items())), None)
