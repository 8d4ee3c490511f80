"""The packages of a step, resolved for its image into a lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from fairing_kfp.preprocess import resolving
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.requirements import Requirements
from fairing_kfp.preprocess.trees import unpack

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

__all__ = ["Lock", "Target", "resolve", "unpack"]

_RECORD = "lock"


def resolve(
    requirements: Requirements | Sequence[str],
    target: Target,
    cache: Cache,
    preferred: Mapping[str, str] | None = None,
    *,
    fresh: bool = False,
) -> Lock:
    """Chooses the newest wheels that fit, once: afterwards the cache gives the same lock without asking an index.

    The user's settings of uv apply (indexes, credentials, constraints) and do not show in the lock. What the base image
    provides is resolved too, and left out with all that it needs itself; only for a run here it stays.

    Args:
        requirements: what is asked for.
        target: what the wheels must fit.
        cache: remembers the lock.
        preferred: versions to be chosen instead of the newest wherever they satisfy the requirements and fit, by the
            canonical names of distributions.
        fresh: whether the index is asked even so.

    Raises:
        DependencyError: a requirement is malformed or not one of a package by name, nothing satisfies all of them, a
            package has no fitting wheel, its files are not those that its hashes allow, or the index does not answer.
        CacheError: the cache cannot be used.
    """
    wanted = requirements if isinstance(requirements, Requirements) else Requirements.of(requirements)
    if not wanted.lines and not (target.is_host and wanted.provided):
        return Lock(target, "")
    key = json.dumps([asdict(wanted), asdict(target), preferred or {}], sort_keys=True)
    known = None if fresh else cache.record(_RECORD, key)
    if known is None:
        known = {"text": resolving.resolved(wanted, target, preferred or {}).text}
        cache.put_record(_RECORD, key, known)
    return Lock(target, known["text"], wanted.sources)
