"""The lock of a pipeline: locked versions of its components' packages, and new ones that agree; its base images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.dependencies import lock_file
from fairing_kfp.dependencies.base_lock import Bases, renewed
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.lock_file import Entries, Entry, Key
from fairing_kfp.dependencies.requirements import CONSTRAINT, Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import LockError
from fairing_kfp.image.reference import Reference

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache


class PipelineLock:
    """The locks of a pipeline's components, read from a lock file or resolved.

    Args:
        cache: the cache of resolved locks.
        path: the lock file; None to use the cache only.
        pipeline: the pipeline's name, which is recorded in the entries that it uses.
        upgrade: packages whose locked versions are ignored, by canonical name; True for all packages and bases.
        locked: whether a change of the lock file is an error.

    Attributes:
        written: whether `save` or `rewrite` has changed the file.
        notes: sentences for the author about the choice of versions, in order; uv's warnings among them.

    Raises:
        LockError: the lock file is damaged.
    """

    def __init__(
        self,
        cache: Cache,
        path: Path | None = None,
        pipeline: str = "",
        upgrade: bool | Collection[str] = False,
        locked: bool = False,
    ) -> None:
        self.path = path
        self.before: Mapping[Key, Entry] = lock_file.read(path) if path else {}
        self.bases: Bases = lock_file.read_bases(path) if path else {}
        self.written = False
        self._locked_only = locked
        self._cache = cache
        self._pipeline = pipeline
        self._upgrade = upgrade
        self.notes: dict[str, None] = {}
        self._used: dict[Key, Entry] = {}
        self._resolving = threading.Lock()

    @property
    def used(self) -> Mapping[Key, Entry]:
        """The entries that `lock` has returned."""
        return dict(self._used)

    def lock(self, requirements: Requirements, target: Target) -> Lock:
        """The lock of a component's requirements: the locked one, or a new one that keeps the versions of the others.

        Raises:
            DependencyError: a requirement is malformed, or the requirements cannot be resolved.
            CacheError: the cache cannot be used.
        """
        if not requirements.lines or requirements.hashes:  # requirements with hashes are a lock
            return resolve(requirements, target, self._cache)
        key = Key(requirements.lock_lines, requirements.provided, target)
        with self._resolving:
            entry = self._used.get(key) or self._locked(key)
            if entry is None or (entry.lock.built and not requirements.build):  # not every component builds
                if self._locked_only:
                    raise self._outdated(f"{', '.join(requirements.lines)} for {target} is not in it")
                refresh = self._upgrade is not False
                resolved = resolve(requirements, target, self._cache, self._preferred(key), refresh=refresh)
                self.notes |= dict.fromkeys(resolved.notes)
                former = self.before.get(key)
                entry = Entry(key, resolved.pins, former.pipelines if former else ())
            self._used[key] = entry.used_by(self._pipeline)
            wheels = tuple(wheel.path for wheel in requirements.wheels)
            return replace(entry.lock, sources=requirements.sources, wheels=wheels)

    def base(self, reference: Reference) -> Reference:
        """A base image at its locked digest; as it is if it is not locked or has a digest.

        Raises:
            LockError: it is not locked, and the lock file must not change.
        """
        if reference.digest or self._upgrade is True:
            return reference
        known = self.bases.get(str(reference))
        if known is None and self._locked_only:
            raise self._outdated(f"the base image {reference} is not in it")
        return reference.with_digest(known.digest) if known else reference

    def locked_versions(self, requirements: Requirements) -> dict[str, str]:
        """The locked versions for requirements on any platform, by package; empty if they are not locked."""
        wanted = (requirements.lock_lines, requirements.provided)
        for key, entry in self.before.items():
            if (key.requirements, key.provided) == wanted and key.target.python == Target.for_host().python:
                return {name: pin.version for name, pin in entry.pins.items()}
        return {}

    def save(self) -> str:
        """Adds the used entries to the file.

        Returns:
            A warning for the author if the file cannot be written, or an empty string.

        Raises:
            LockError: the file was damaged meanwhile, or must not change.
        """

        def edit(current: Entries) -> Entries:
            # An entry that another process has added meanwhile is kept.
            added = {key: current.get(key, entry).used_by(self._pipeline) for key, entry in self._used.items()}
            return {**current, **added}

        if self.path is None or not self._used:
            return ""
        try:
            self._change(self.path, edit)
        except OSError as error:
            if self._used.keys() <= self.before.keys():
                return ""
            return (
                f"cannot write {self.path} ({error.strerror or error}): the versions of packages are locked in this "
                "machine's cache only"
            )
        return ""

    def rewrite(self, digests: Mapping[str, str] | None = None) -> None:
        """Writes the used entries to the file, and removes entries that no pipeline uses any more.

        Entries for other Python versions are kept, since this Python cannot renew them.

        Args:
            digests: the digests of the pipeline's base images, by reference; None to keep those in the file.

        Raises:
            LockError: the file was damaged meanwhile, or must not change.
            OSError: the file cannot be written.
        """

        def edit(current: Entries) -> Entries:
            pythons = {key.target.python for key in self._used} or {Target.for_host().python}

            def released(entry: Entry) -> Entry:
                renewed = self._pipeline in entry.pipelines and entry.key.target.python in pythons
                return entry.not_used_by(self._pipeline) if renewed else entry

            others = {key: released(entry) for key, entry in current.items()}
            used = {
                key: Entry(key, entry.pins, others[key].pipelines if key in others else ()).used_by(self._pipeline)
                for key, entry in self._used.items()
            }
            return {**{key: entry for key, entry in others.items() if entry.pipelines}, **used}

        def edit_bases(current: Bases) -> Bases:
            return current if digests is None else renewed(current, digests, self._pipeline)

        if self.path is not None:
            self._change(self.path, edit, edit_bases)

    def _change(
        self, path: Path, edit: Callable[[Entries], Entries], edit_bases: Callable[[Bases], Bases] = lambda bases: bases
    ) -> None:
        """Changes the file, unless it must not change."""
        if self._locked_only:
            if edit(self.before) != self.before or edit_bases(self.bases) != self.bases:
                raise self._outdated(f"the pipeline {self._pipeline} would change it")
            return
        self.written = lock_file.change(path, edit, edit_bases) or self.written

    def _outdated(self, reason: str) -> LockError:
        return LockError(
            f"{self.path} is not up to date, and --locked is set: {reason}",
            "run `fairing-kfp lock FILE` and check the file in",
        )

    def _locked(self, key: Key) -> Entry | None:
        entry = self.before.get(key)
        if (
            entry is None
            or self._upgrade is True
            or (self._upgrade and not entry.pins.keys().isdisjoint(self._upgrade))
        ):
            return None
        return entry

    def _preferred(self, key: Key) -> dict[str, str]:
        """The versions in other entries of the same platform: first those just used, then those most alike."""
        target = key.target

        def distance(entry: Entry) -> tuple[bool, int, str]:
            shared = _names(entry.key.requirements) & _names(key.requirements)
            return entry.key != key, -len(shared), repr(entry.key)

        used = [(entry, ()) for entry in sorted(self._used.values(), key=distance)]
        upgraded = () if isinstance(self._upgrade, bool) else tuple(self._upgrade)
        locked = (
            [] if self._upgrade is True else [(entry, upgraded) for entry in sorted(self.before.values(), key=distance)]
        )
        preferred: dict[str, str] = {}
        for entry, excluded in (*used, *locked):
            if (entry.key.target.python, entry.key.target.platform) != (target.python, target.platform):
                continue
            for name, pin in entry.pins.items():
                if name not in excluded:
                    preferred.setdefault(name, pin.version)
        return preferred


def _names(requirements: Sequence[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements if not one.startswith(CONSTRAINT)}
