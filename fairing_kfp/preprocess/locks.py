"""The locks that a pipeline's components get: those it keeps, and new ones that agree with them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fairing_kfp.preprocess import lock_file
from fairing_kfp.preprocess.dependencies import resolve
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.lock_file import Entry, Key
from fairing_kfp.preprocess.requirements import CONSTRAINT, Requirements

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache


class Locks:
    """What is kept in a lock file, and what is chosen beside it.

    Args:
        cache: remembers what was resolved.
        path: the lock file; None keeps nothing but that.
        pipeline: the name of the pipeline that uses the locks.
        upgrade: distributions whose kept versions do not count, by their canonical names; True for all of them.

    Raises:
        LockError: the file is damaged.
    """

    def __init__(
        self,
        cache: Cache,
        path: Path | None = None,
        pipeline: str = "",
        upgrade: bool | Collection[str] = False,
    ) -> None:
        self.path = path
        self.before: Mapping[Key, Entry] = lock_file.read(path) if path else {}
        self._cache = cache
        self._pipeline = pipeline
        self._upgrade = upgrade
        self._used: dict[Key, Entry] = {}
        self._choosing = threading.Lock()

    @property
    def used(self) -> Mapping[Key, Entry]:
        """What was asked for."""
        return dict(self._used)

    def lock(self, requirements: Requirements, target: Target) -> Lock:
        """The kept lock of requirements; where there is none a new one, which keeps to the versions of the others.

        Raises:
            DependencyError: a requirement is malformed, or they cannot be resolved.
            CacheError: the cache cannot be used.
        """
        if not requirements.lines or requirements.hashes:  # which are a lock themselves
            return resolve(requirements, target, self._cache)
        key = Key(requirements.asked, requirements.provided, target)
        with self._choosing:
            entry = self._used.get(key) or self._kept(key)
            if entry is None or (entry.lock.built and not requirements.build):  # only who asks for it builds
                fresh = self._upgrade is not False
                pins = resolve(requirements, target, self._cache, self._preferred(key), fresh=fresh).pins
                former = self.before.get(key)
                entry = Entry(key, pins, former.pipelines if former else ())
            self._used[key] = entry.used_by(self._pipeline)
            return replace(entry.lock, sources=requirements.sources)

    def versions(self, requirements: Requirements) -> dict[str, str]:
        """The kept versions for requirements on any platform, or on none if they are not kept; nothing is resolved."""
        wanted = (requirements.asked, requirements.provided)
        for key, entry in self.before.items():
            if (key.requirements, key.provided) == wanted and key.target.python == Target.for_host().python:
                return {name: pin.version for name, pin in entry.pins.items()}
        return {}

    def keep(self) -> str:
        """Writes what was chosen into the file; gives a sentence for the author if it cannot be written.

        Raises:
            LockError: the file was damaged meanwhile.
        """

        def edit(found: Mapping[Key, Entry]) -> Mapping[Key, Entry]:
            # What another process chose meanwhile stays.
            added = {key: found.get(key, entry).used_by(self._pipeline) for key, entry in self._used.items()}
            return {**found, **added}

        if self.path is None or not self._used:
            return ""
        try:
            lock_file.change(self.path, edit)
        except OSError as error:
            if self._used.keys() <= self.before.keys():
                return ""
            return (
                f"{self.path} cannot be written ({error.strerror or error}): the versions of packages are kept in the "
                "cache of this machine alone"
            )
        return ""

    def replace(self) -> None:
        """Writes what was asked for into the file, and drops what its pipeline used before and no other does.

        Entries for other Pythons stay: those who have them renew them.

        Raises:
            LockError: the file was damaged meanwhile.
            OSError: the file cannot be written.
        """

        def edit(found: Mapping[Key, Entry]) -> Mapping[Key, Entry]:
            pythons = {key.target.python for key in self._used} or {Target.for_host().python}

            def left(entry: Entry) -> Entry:
                renewed = self._pipeline in entry.pipelines and entry.key.target.python in pythons
                return entry.used_by(self._pipeline, yes=False) if renewed else entry

            others = {key: left(entry) for key, entry in found.items()}
            used = {
                key: Entry(key, entry.pins, others[key].pipelines if key in others else ()).used_by(self._pipeline)
                for key, entry in self._used.items()
            }
            return {**{key: entry for key, entry in others.items() if entry.pipelines}, **used}

        if self.path is not None:
            lock_file.change(self.path, edit)

    def _kept(self, key: Key) -> Entry | None:
        entry = self.before.get(key)
        if (
            entry is None
            or self._upgrade is True
            or (self._upgrade and not entry.pins.keys().isdisjoint(self._upgrade))
        ):
            return None
        return entry

    def _preferred(self, key: Key) -> dict[str, str]:
        """The versions that others have on the same platform: of those chosen just now first, then of the nearest."""
        target = key.target

        def distance(entry: Entry) -> tuple[bool, int, str]:
            shared = _names(entry.key.requirements) & _names(key.requirements)
            return entry.key != key, -len(shared), repr(entry.key)

        chosen = [(entry, ()) for entry in sorted(self._used.values(), key=distance)]
        upgraded = () if isinstance(self._upgrade, bool) else tuple(self._upgrade)
        kept = [] if self._upgrade is True else [(one, upgraded) for one in sorted(self.before.values(), key=distance)]
        preferred: dict[str, str] = {}
        for entry, left_out in (*chosen, *kept):
            if (entry.key.target.python, entry.key.target.platform) != (target.python, target.platform):
                continue
            for name, pin in entry.pins.items():
                if name not in left_out:
                    preferred.setdefault(name, pin.version)
        return preferred


def _names(requirements: Sequence[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements if not one.startswith(CONSTRAINT)}
