"""Creates, adopts, applies and deletes objects, but never those of another owner."""

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
_DELETION_TIMEOUT = 120.0  # seconds to wait for an object that is being deleted


@dataclass(frozen=True)
class Applied:
    """An object that was created, adopted or applied.

    Attributes:
        object: the object, as Kubernetes returned it.
        created: whether it is new.
    """

    object: Object
    created: bool

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(self.object["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The uid of the object."""
        return str(self.object["metadata"]["uid"])


def create(cluster: Cluster, manifest: Object, labels: Mapping[str, str]) -> Applied:
    """Creates an object. If its owner already has one of that name, as after a retry, it is adopted.

    Args:
        cluster: client of the cluster.
        manifest: the object; unknown fields are rejected.
        labels: labels of the owner, which are added to the object.

    Raises:
        ForeignObjectError: an object of that name belongs to another owner.
        ClusterError: Kubernetes rejects the object.
    """
    kind = kind_of(cluster, manifest)
    body = _labelled(manifest, labels)
    namespace, name = _place(cluster, body)
    while True:
        try:
            return Applied(cluster.request("POST", kind.path(namespace), query=_STRICT, body=body), created=True)
        except ForeignObjectError:
            # Another owner's, an earlier attempt's, or the object of a request whose response was lost.
            found = find(cluster, kind, name, namespace)
        if found is None:
            continue
        check_owner(found, kind, labels)
        if "deletionTimestamp" not in found["metadata"]:
            return Applied(found, created=False)
        _until_deleted(cluster, kind, found)


def apply(
    cluster: Cluster, manifest: Object, labels: Mapping[str, str], *, force: bool = False, dry_run: bool = False
) -> Applied:
    """Applies a manifest by server-side apply. Applying it again changes nothing.

    Use either `create` or `apply` for an object: Kubernetes manages the fields of each separately.

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/

    Args:
        cluster: client of the cluster.
        manifest: the object, with the fields to own.
        labels: labels of the owner, which are added to the object.
        force: whether to take over fields that other managers have set.
        dry_run: whether Kubernetes only validates the object.

    Raises:
        ForeignObjectError: the object belongs to another owner, or a field to another manager.
        ClusterError: Kubernetes rejects the object.
    """
    kind = kind_of(cluster, manifest)
    body = _labelled(manifest, labels)
    namespace, name = _place(cluster, body)
    found = find(cluster, kind, name, namespace)
    if found is not None:
        check_owner(found, kind, labels)
        body["metadata"]["uid"] = found["metadata"]["uid"]  # fails if the object is replaced meanwhile
    query = {**_STRICT, "force": "true" if force else "false", **({"dryRun": "All"} if dry_run else {})}
    path = kind.path(namespace, name)
    state = cluster.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")
    return Applied(state, created=found is None)


def preflight(cluster: Cluster, manifest: Object) -> None:
    """Validates an object by a dry run of its creation: fields, admission, quota and permissions.

    Raises:
        ClusterError: Kubernetes would reject the object.
    """
    kind = kind_of(cluster, manifest)
    namespace, _ = _place(cluster, manifest)
    try:
        cluster.request("POST", kind.path(namespace), query={**_STRICT, "dryRun": "All"}, body=manifest)
    except ForeignObjectError:
        return  # it exists already, and is valid


def find(cluster: Cluster, kind: Kind, name: str, namespace: str) -> Object | None:
    """The current state of an object; None if it does not exist.

    Raises:
        ClusterError: the object cannot be read.
    """
    try:
        return cluster.request("GET", kind.path(namespace, name))
    except MissingObjectError:
        return None


def delete(
    cluster: Cluster,
    kind: Kind,
    name: str,
    namespace: str,
    *,
    uid: str = "",
    version: str = "",
    propagation: str = "Background",
) -> bool:
    """Deletes an object, if it exists.

    Args:
        cluster: client of the cluster.
        kind: kind of the object.
        name: name of the object.
        namespace: namespace of the object.
        uid: uid that the object must have; any by default.
        version: `resourceVersion` that it must have; any by default.
        propagation: policy for its dependents: `Background`, `Foreground` or `Orphan`.

    Returns:
        Whether the object existed, with that uid and version.

    Raises:
        ClusterError: the object cannot be deleted.
    """
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    wanted = {"uid": uid, "resourceVersion": version}
    if any(wanted.values()):
        options["preconditions"] = {name: value for name, value in wanted.items() if value}
    try:
        cluster.request("DELETE", kind.path(namespace, name), body=options)
    except (MissingObjectError, ForeignObjectError):
        return False
    return True


def condition(state: Object, kind: str) -> Object:
    """A condition in an object's status, whatever its value; empty if there is none."""
    conditions = (state.get("status") or {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})


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


def has_owner(state: Object, labels: Mapping[str, str]) -> bool:
    """Whether an object has the labels of an owner."""
    return labels.items() <= (state["metadata"].get("labels") or {}).items()


def check_owner(state: Object, kind: Kind, labels: Mapping[str, str]) -> None:
    """Checks that an object has the labels of an owner.

    Raises:
        ForeignObjectError: the object lacks a label.
    """
    if has_owner(state, labels):
        return
    metadata = state["metadata"]
    found = metadata.get("labels") or {}
    missing = ", ".join(f"{key}={value}" for key, value in labels.items() if found.get(key) != value)
    raise ForeignObjectError(
        f"{kind.kind} {metadata['name']} in the namespace {metadata.get('namespace', '')} belongs to another owner: "
        f"it lacks the label {missing}",
        "choose another name, or delete it if nobody needs it",
        status=409,
    )


def _until_deleted(cluster: Cluster, kind: Kind, found: Object) -> None:
    metadata = found["metadata"]
    try:
        for state in follow(cluster, kind, metadata["name"], metadata["namespace"], seconds=_DELETION_TIMEOUT):
            if state["metadata"]["uid"] != metadata["uid"]:
                return
    except MissingObjectError:
        return
