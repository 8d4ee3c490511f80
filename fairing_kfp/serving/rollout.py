"""Bringing a version to where it serves; if it does not, all is as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fairing_kfp.cluster.applied import applied
from fairing_kfp.cluster.apply import Placed, apply, delete, find, refuse_foreign
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.errors import FairingError, MissingObjectError
from fairing_kfp.serving.arrival import Arrival, SupersededError
from fairing_kfp.serving.served import ownership
from fairing_kfp.serving.target import Target


@dataclass(frozen=True)
class Rolled:
    """What serves now.

    Attributes:
        state: the object with the pods.
        changed: whether anything had to be changed.
        before: that object as it was; None if nothing was served.
    """

    state: Object
    changed: bool
    before: Object | None


class Rollout:
    """Brings one served model to another version.

    Args:
        cluster: where.
        target: by what it is served.
        name: of what is served.
        patience: seconds in which a pod must have come so far that it gets requests.
        say: takes a sentence for the step's log.
    """

    def __init__(
        self, cluster: Cluster, target: Target, name: str, patience: float, say: Callable[[str], None]
    ) -> None:
        self._cluster, self._target, self._name = cluster, target, name
        self._patience, self._say = patience, say
        self._mine = ownership(name)
        self._kinds = target.kinds(cluster)
        self._before = {kind: self._found(kind) for kind in self._kinds}

    @property
    def before(self) -> Object | None:
        """The object with the pods as it was."""
        return self._before[self._kinds[0]]

    def to(self, manifests: Sequence[Object], confirm: Callable[[Object], None], *, only: bool = True) -> Rolled:
        """Applies what is to serve, and returns when it does.

        Args:
            manifests: the objects, that with the pods first.
            confirm: is given the object with the pods when they are ready, and raises if it is not content.
            only: whether what else is there of an earlier version is deleted.

        Raises:
            FairingError: it does not serve. Then the version before does, and if there was none, nothing is left.
        """
        touched: list[Kind] = []
        try:
            placed = [self._apply(manifest, touched) for manifest in manifests]
            arrival = Arrival(self._cluster, self._target, placed[0], self._patience, self._say)
            state = arrival.wait()
            confirm(state)
        except SupersededError:
            raise
        except FairingError as error:
            raise self._restored(touched, error) from error
        gone = [kind for kind in self._kinds if kind not in touched and only and self._drop(kind)]
        return Rolled(state, bool(gone) or any(map(self._is_new, placed)), self.before)

    def _found(self, kind: Kind) -> Object | None:
        found = find(self._cluster, kind, self._name, self._cluster.namespace)
        if found is not None:
            found |= {"apiVersion": kind.api_version, "kind": kind.kind}
            refuse_foreign(found, kind, self._mine)
        return found

    def _apply(self, manifest: Object, touched: list[Kind]) -> Placed:
        touched.append(kind_of(self._cluster, manifest))
        # What serves is ours alone: what somebody changed by hand meanwhile would else stay for ever.
        return apply(self._cluster, manifest, self._mine, force=True)

    def _is_new(self, placed: Placed) -> bool:
        before = {kind.kind: state for kind, state in self._before.items()}[placed.object["kind"]]
        # Not by the resource version, which changes with the status, too.
        return before is None or applied(before) != applied(placed.object)

    def _drop(self, kind: Kind) -> bool:
        """Deletes what an earlier version had beside."""
        found = self._before[kind]
        if found is None:
            return False
        self._say(f"{kind.kind} {self._name} is not wanted any more, and deleted")
        return delete(self._cluster, kind, self._name, self._cluster.namespace, uid=found["metadata"]["uid"])

    def _restored(self, touched: Sequence[Kind], error: FairingError) -> FairingError:
        """Brings back what was there; gives the error with what became of it."""
        try:
            for kind in touched:
                self._restore(kind)
        except FairingError as left:
            said = f"what was there before could not be brought back: {left.message}"
        else:
            said = "the version before serves on" if self.before else "nothing served before, and nothing is left"
        self._say(said)
        error.message = f"{error.message}\n({said})"
        return error

    def _restore(self, kind: Kind) -> None:
        before = self._before[kind]
        if before is None:
            found = find(self._cluster, kind, self._name, self._cluster.namespace)
            if found is not None:
                delete(self._cluster, kind, self._name, self._cluster.namespace, uid=found["metadata"]["uid"])
            return
        manifest = applied(before)
        if manifest is None:
            raise MissingObjectError(f"nobody knows what was applied of {kind.kind} {self._name}", "apply it anew")
        apply(self._cluster, manifest, self._mine, force=True)
