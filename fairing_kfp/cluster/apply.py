"""Objects: created or adopted, applied, tried, deleted; never one that belongs to somebody else."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.cluster.owner import MANAGER
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import ForeignObjectError, InvalidObjectError, MissingObjectError

_STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
_VANISHING = 120.0  # seconds, for which an object that is being deleted is waited for


@dataclass(frozen=True)
class Placed:
    """An object that is there.

    Attributes:
        object: as Kubernetes has it.
        created: whether it is new; else it was there already, and is ours.
    """

    object: Object
    created: bool

    @property
    def name(self) -> str:
        """The object's."""
        return str(self.object["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The object's."""
        return str(self.object["metadata"]["uid"])


def create(cluster: Cluster, manifest: Object, mine: Mapping[str, str]) -> Placed:
    """Creates an object, or adopts the one of that name if it is ours, as it is after a retry.

    Args:
        cluster: where.
        manifest: the object; unknown fields are refused.
        mine: labels that are set, and by which ours is known.

    Raises:
        ForeignObjectError: there is one of that name that is not ours.
        ClusterError: Kubernetes refuses it.
    """
    kind = kind_of(cluster, manifest)
    body = _labelled(manifest, mine)
    namespace, name = _place(cluster, body)
    while True:
        try:
            return Placed(cluster.request("POST", kind.path(namespace), query=_STRICT, body=body), created=True)
        except ForeignObjectError:
            # Or a request of ours whose answer was lost.
            found = find(cluster, kind, name, namespace)
        if found is None:
            continue
        refuse_foreign(found, kind, mine)
        if "deletionTimestamp" not in found["metadata"]:
            return Placed(found, created=False)
        _until_gone(cluster, kind, found)


def apply(
    cluster: Cluster, manifest: Object, mine: Mapping[str, str], *, force: bool = False, dry_run: bool = False
) -> Placed:
    """Brings an object to what a manifest says, by server-side apply; the same manifest again changes nothing.

    An object is either created or applied: to Kubernetes the fields of one that `create` made are not those of `apply`.

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/

    Args:
        cluster: where.
        manifest: the fields that are ours.
        mine: labels that are set, and by which ours is known.
        force: whether fields are taken that others have set since.
        dry_run: whether Kubernetes only checks it, and changes nothing.

    Raises:
        ForeignObjectError: there is one of that name that is not ours, or a field is somebody else's.
        ClusterError: Kubernetes refuses it.
    """
    kind = kind_of(cluster, manifest)
    body = _labelled(manifest, mine)
    namespace, name = _place(cluster, body)
    found = find(cluster, kind, name, namespace)
    if found is not None:
        refuse_foreign(found, kind, mine)
        body["metadata"]["uid"] = found["metadata"]["uid"]  # that very object, or none
    query = {**_STRICT, "force": "true" if force else "false", **({"dryRun": "All"} if dry_run else {})}
    path = kind.path(namespace, name)
    applied = cluster.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")
    return Placed(applied, created=found is None)


def preflight(cluster: Cluster, manifest: Object) -> None:
    """Has Kubernetes check an object as if it were created: its fields, admission, quota and our role.

    Raises:
        ClusterError: it would be refused.
    """
    kind = kind_of(cluster, manifest)
    namespace, _ = _place(cluster, manifest)
    try:
        cluster.request("POST", kind.path(namespace), query={**_STRICT, "dryRun": "All"}, body=manifest)
    except ForeignObjectError:
        return  # valid, and there already


def find(cluster: Cluster, kind: Kind, name: str, namespace: str) -> Object | None:
    """An object as it is now, or None.

    Raises:
        ClusterError: Kubernetes refuses to tell.
    """
    try:
        return cluster.request("GET", kind.path(namespace, name))
    except MissingObjectError:
        return None


def delete(
    cluster: Cluster, kind: Kind, name: str, namespace: str, *, uid: str = "", propagation: str = "Background"
) -> bool:
    """Deletes an object and what it owns; one that is gone already is no error.

    Args:
        cluster: where.
        kind: the object's.
        name: likewise.
        namespace: likewise.
        uid: deletes that very object only, not another one of its name.
        propagation: what happens to what it owns: `Background`, `Foreground` (first) or `Orphan` (nothing).

    Returns:
        Whether it was there.

    Raises:
        ClusterError: Kubernetes refuses.
    """
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    if uid:
        options["preconditions"] = {"uid": uid}
    try:
        cluster.request("DELETE", kind.path(namespace, name), body=options)
    except (MissingObjectError, ForeignObjectError):
        return False
    return True


def _labelled(manifest: Object, labels: Mapping[str, str]) -> Object:
    body = copy.deepcopy(manifest)
    metadata = body.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    return body


def _place(cluster: Cluster, manifest: Object) -> tuple[str, str]:
    metadata = manifest.get("metadata") or {}
    if not metadata.get("name"):
        raise InvalidObjectError(f"the {manifest.get('kind')} has no name", "set metadata.name")
    return metadata.get("namespace") or cluster.namespace, metadata["name"]


def is_ours(found: Object, mine: Mapping[str, str]) -> bool:
    """Whether an object has the labels by which ours is known."""
    return mine.items() <= (found["metadata"].get("labels") or {}).items()


def refuse_foreign(found: Object, kind: Kind, mine: Mapping[str, str]) -> None:
    """Sees that an object is ours.

    Raises:
        ForeignObjectError: it lacks the labels by which ours is known.
    """
    if is_ours(found, mine):
        return
    metadata = found["metadata"]
    labels = metadata.get("labels") or {}
    differing = ", ".join(f"{key}={value}" for key, value in mine.items() if labels.get(key) != value)
    raise ForeignObjectError(
        f"{kind.kind} {metadata['name']} (namespace {metadata.get('namespace', '')}) is not ours: it lacks {differing}",
        "choose another name, or delete it if nobody needs it",
        status=409,
    )


def _until_gone(cluster: Cluster, kind: Kind, found: Object) -> None:
    metadata = found["metadata"]
    try:
        for state in follow(cluster, kind, metadata["name"], metadata["namespace"], seconds=_VANISHING):
            if state["metadata"]["uid"] != metadata["uid"]:
                return
    except MissingObjectError:
        return
