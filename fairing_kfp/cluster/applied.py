"""What we applied of an object, read out of the object itself: which fields are ours, and their present values.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management, and for the form of the
lists of fields https://pkg.go.dev/sigs.k8s.io/structured-merge-diff/v6/fieldpath
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.owner import MANAGER


def applied(found: Object) -> Object | None:
    """The manifest that was applied last, as far as its fields still are ours; None if none was.

    Applying it again changes nothing; applying it later brings back what it says.

    Args:
        found: the object as Kubernetes has it.
    """
    fields = _fields(found)
    if fields is None:
        return None
    manifest: Object = _taken(found, fields)
    metadata = {key: value for key, value in (manifest.get("metadata") or {}).items() if key in _SAID}
    namespace = {"namespace": found["metadata"]["namespace"]} if found["metadata"].get("namespace") else {}
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        **manifest,
        "metadata": {"name": found["metadata"]["name"], **namespace, **metadata},
    }


def owns(found: Object, *path: str) -> bool:
    """Whether a field is ours, as we applied it last.

    Args:
        found: the object.
        path: such as `f:spec`, `f:replicas`.
    """
    fields: Any = _fields(found)
    for step in path:
        if not isinstance(fields, Mapping) or step not in fields:
            return False
        fields = fields[step]
    return True


_SAID = ("annotations", "labels", "finalizers", "ownerReferences")


def _fields(found: Object) -> Mapping[str, Any] | None:
    for entry in found["metadata"].get("managedFields") or []:
        if (entry.get("manager"), entry.get("operation")) == (MANAGER, "Apply") and not entry.get("subresource"):
            return dict(entry["fieldsV1"])
    return None


def _taken(value: Any, fields: Mapping[str, Any]) -> Any:
    """What is ours of a value; without steps below it, all of it."""
    steps = [step for step in fields if step != "."]
    if not steps:
        return value
    if isinstance(value, list):
        return [_taken(item, fields[step]) for step in steps if (item := _item(value, step)) is not None]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _taken(value[name], fields[step])
        for step in steps
        if (name := step.partition(":")[2]) in value and step.startswith("f:")
    }


def _item(items: list[Any], step: str) -> Any:
    """The item of a list that a step means: by its keys, its value, or its place."""
    how, _, text = step.partition(":")
    if how == "i":
        place = int(text)
        return items[place] if place < len(items) else None
    meant = json.loads(text)
    if how == "v":
        return meant if meant in items else None
    return next((one for one in items if all(one.get(key) == value for key, value in meant.items())), None)
