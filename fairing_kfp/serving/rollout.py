"""Rolls out a version, and rolls back if it does not become ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.cluster.managed_fields import last_applied
from fairing_kfp.cluster.objects import Applied, apply, check_owner, delete, find
from fairing_kfp.errors import FairingError, MissingObjectError, SupersededError
from fairing_kfp.serving.backend import Backend
from fairing_kfp.serving.pod import owner_labels
from fairing_kfp.serving.readiness import Readiness


@dataclass(frozen=True)
class RolloutResult:
    """A completed rollout.

    Attributes:
        state: the main object.
        changed: whether an object was changed.
        previous: the main object before the rollout; None if there was none.
    """

    state: Object
    changed: bool
    previous: Object | None


class Rollout:
    """Rolls out versions of one served model.

    Args:
        cluster: the model's cluster.
        backend: the model's backend.
        name: name of the model.
        timeout: time a pod may take to become ready, in seconds.
        log: called with each line for the step's log.

    Raises:
        ForeignObjectError: an object of that name is not ours.
        ClusterError: a kind is not installed, or Kubernetes denies access.
    """

    def __init__(
        self, cluster: Cluster, backend: Backend, name: str, timeout: float, log: Callable[[str], None]
    ) -> None:
        self._cluster, self._backend, self._name = cluster, backend, name
        self._timeout, self._log = timeout, log
        self._labels = owner_labels(name)
        self._kinds = backend.kinds(cluster)
        self._previous = {kind: self._find(kind) for kind in self._kinds}

    @property
    def previous(self) -> Object | None:
        """The main object before the rollout; None if there was none."""
        return self._previous[self._kinds[0]]

    @property
    def objects(self) -> Mapping[Kind, Object]:
        """The objects before the rollout, the main object first."""
        return {kind: state for kind, state in self._previous.items() if state is not None}

    def apply(
        self, manifests: Sequence[Object], confirm: Callable[[Object], None], *, prune: bool = True
    ) -> RolloutResult:
        """Applies a version and waits until it is ready.

        Args:
            manifests: the objects, the main object first.
            confirm: called with the main object when its version is ready; an error rolls back.
            prune: whether to delete objects of earlier versions that are not among the manifests.

        Raises:
            FairingError: the version does not become ready. It is rolled back, or deleted if it was the first.
        """
        touched: list[Kind] = []
        try:
            applied = [self._apply(manifest, touched) for manifest in manifests]
            state = Readiness(self._cluster, self._backend, applied[0], self._timeout, self._log).wait()
            confirm(state)
        except SupersededError:
            raise
        except FairingError as error:
            raise self._roll_back(touched, error) from error
        pruned = [kind for kind in self._kinds if kind not in touched and prune and self._prune(kind)]
        if pruned:  # until it was deleted, an autoscaler may have changed the number of replicas
            self._apply(manifests[0], touched)
        return RolloutResult(state, bool(pruned) or any(map(self._is_changed, applied)), self.previous)

    def _find(self, kind: Kind) -> Object | None:
        found = find(self._cluster, kind, self._name, self._cluster.namespace)
        if found is not None:
            found |= {"apiVersion": kind.api_version, "kind": kind.kind}
            check_owner(found, kind, self._labels)
        return found

    def _apply(self, manifest: Object, touched: list[Kind]) -> Applied:
        touched.append(kind_of(self._cluster, manifest))
        # The objects are ours alone. Without `force`, manual changes would stay forever.
        return apply(self._cluster, manifest, self._labels, force=True)

    def _is_changed(self, applied: Applied) -> bool:
        previous = {kind.kind: state for kind, state in self._previous.items()}[applied.object["kind"]]
        # The resource version would not do: it changes with the status, too.
        return previous is None or last_applied(previous) != last_applied(applied.object)

    def _prune(self, kind: Kind) -> bool:
        """Deletes an object of an earlier version, if there is one."""
        found = self._previous[kind]
        if found is None:
            return False
        self._log(f"deleting {kind.kind} {self._name}, which this version does not have")
        return delete(self._cluster, kind, self._name, self._cluster.namespace, uid=found["metadata"]["uid"])

    def _roll_back(self, touched: Sequence[Kind], error: FairingError) -> FairingError:
        """Restores all objects, and adds the outcome to the error."""
        try:
            for kind in touched:
                self._restore(kind)
        except FairingError as failure:
            outcome = f"rolling back failed: {failure.message}"
        else:
            outcome = (
                "rolled back to the previous version" if self.previous else "there was no previous version; deleted"
            )
        self._log(outcome)
        error.message = f"{error.message}\n({outcome})"
        return error

    def _restore(self, kind: Kind) -> None:
        previous = self._previous[kind]
        if previous is None:
            found = find(self._cluster, kind, self._name, self._cluster.namespace)
            if found is not None:
                delete(self._cluster, kind, self._name, self._cluster.namespace, uid=found["metadata"]["uid"])
            return
        manifest = last_applied(previous)
        if manifest is None:
            raise MissingObjectError(
                f"{kind.kind} {self._name} has no record of what was applied", "apply the previous version again"
            )
        apply(self._cluster, manifest, self._labels, force=True)
