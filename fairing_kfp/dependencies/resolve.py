"""Resolving: requirements → a lock of wheels that fit a target, chosen by uv."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from fairing_kfp.dependencies.compiled import compiled
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.passed_over import passed_over
from fairing_kfp.dependencies.requirements import Requirements, exact_pin
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

_RECORD = "lock"


def resolve(
    requirements: Requirements | Sequence[str],
    target: Target,
    cache: Cache,
    preferred: Mapping[str, str] | None = None,
    *,
    refresh: bool = False,
) -> Lock:
    """Chooses the newest compatible wheels; the cache returns the same lock from then on, without using an index.

    The user's uv settings apply (indexes, credentials, constraints), but are not recorded in the lock. Packages that
    the base image provides are resolved too, and then removed along with their dependencies, except for a run on this
    machine.

    Args:
        requirements: the requirements.
        target: the target of the wheels.
        cache: the cache of resolved locks.
        preferred: versions to prefer to the newest, by canonical name, if they are compatible.
        refresh: whether to ignore the cached lock.

    Raises:
        DependencyError: a requirement is malformed or not a package by name, the requirements conflict, a package has
            no compatible wheel, its files do not match their hashes, or the index does not answer.
        CacheError: the cache cannot be used.
    """
    wanted = requirements if isinstance(requirements, Requirements) else Requirements.parse(requirements)
    if not wanted.lines and not (target.is_host and wanted.provided):
        return Lock(target, "")
    key = json.dumps([asdict(wanted), asdict(target), preferred or {}], sort_keys=True)
    known = None if refresh else cache.record(_RECORD, key)
    if known is None:
        notes: dict[str, None] = {}
        cache.on_miss(f"resolving {', '.join(wanted.lines or wanted.provided)}")
        lock = _resolved(wanted, target, preferred or {}, lambda warning: notes.update({warning: None}))
        known = {"text": lock.text, "notes": [*notes, *passed_over(wanted, lock, preferred or {})]}
        cache.put_record(_RECORD, key, known)
    wheels = tuple(wheel.path for wheel in wanted.wheels)
    return Lock(target, known["text"], wanted.sources, tuple(known.get("notes", ())), wheels)


def _resolved(
    requirements: Requirements, target: Target, preferred: Mapping[str, str], warn: Callable[[str], None]
) -> Lock:
    """Resolves all requirements, and removes the packages that the base image provides."""
    lines = (*requirements.lines, *requirements.provided)
    lock = compiled(requirements, lines, requirements.constraints, target, preferred, warn=warn)
    provided: Collection[str] = ()
    if requirements.provided:
        agreed = [f"{name}=={pin.version}" for name, pin in lock.pins.items()]
        provided = compiled(requirements, requirements.provided, agreed, target, {}).pins
    lock = _with_allowed_hashes(requirements, lock, provided)
    return lock if target.is_host else lock.only(*(lock.pins.keys() - set(provided)))


def _with_allowed_hashes(requirements: Requirements, lock: Lock, provided: Collection[str]) -> Lock:
    """The lock, restricted to files whose hashes the requirements list, if they list any.

    Raises:
        DependencyError: a package is not listed, or none of its compatible files is.
    """
    if not requirements.hashes:
        return lock
    pins = lock.pins
    for name, pin in lock.pins.items():
        exact = f"{name}=={pin.version}"
        listed = requirements.hashes.get(exact_pin(exact))
        if listed is None:
            if name in provided:
                continue
            raise DependencyError(
                f"packages for {lock.target}: {exact} is required, but the requirements with hashes do not list it",
                "write the file again with all dependencies: uv pip compile --generate-hashes",
            )
        allowed = tuple(sorted(set(listed) & set(pin.hashes)))
        if not allowed:
            raise DependencyError(
                f"packages for {lock.target}: no compatible file of {exact} has one of the listed hashes",
                "find out whether the index or the hashes were changed before you use it",
            )
        pins[name] = replace(pin, hashes=allowed)
    return Lock.from_pins(target=lock.target, pins=pins)
