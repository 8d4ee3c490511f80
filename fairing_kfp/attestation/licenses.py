"""Licenses of locked packages, as their metadata names them (core metadata specification)."""

from __future__ import annotations

import email.parser
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock import Lock

_RECORD = "licenses"
_LONGEST = 100  # characters: some packages have the text of their license in the field
_CLASSIFIER = "License ::"


def licenses_of(lock: Lock, names: Collection[str], cache: Cache) -> dict[str, tuple[str, ...]]:
    """The licenses of some distributions of a lock, by name; packages that are not cached are fetched.

    Raises:
        DependencyError: wheels cannot be fetched, or differ from the lock.
        CacheError: the cache cannot be written.
    """
    digests = {name: lock.only(name).digest for name in names}
    known = {name: cache.record(_RECORD, digest) for name, digest in digests.items()}
    missing = [name for name, licenses in known.items() if licenses is None]
    if missing:
        from fairing_kfp.dependencies.unpacked import unpack_each

        for name, tree in unpack_each(lock.only(*missing), cache).items():
            known[name] = list(licenses_in(tree))
            cache.put_record(_RECORD, digests[name], known[name])
    return {name: tuple(licenses or ()) for name, licenses in known.items()}


def licenses_in(tree: Path) -> tuple[str, ...]:
    """The license of an unpacked wheel: an SPDX expression, or names; empty if its metadata does not tell."""
    path = next(iter(sorted(tree.glob("*.dist-info/METADATA"))), None)
    if path is None:
        return ()
    fields = email.parser.HeaderParser().parsestr(path.read_text("utf-8", "replace"))
    if expression := (fields["License-Expression"] or "").strip():
        return (expression,)
    classified = [one.rpartition("::")[2].strip() for one in fields.get_all("Classifier", []) if _is_license(one)]
    text = (fields["License"] or "").strip()
    if text and "\n" not in text and len(text) <= _LONGEST and text.upper() != "UNKNOWN":
        return (text,)
    return tuple(sorted(set(classified)))


def _is_license(classifier: str) -> bool:
    return classifier.startswith(_CLASSIFIER) and not classifier.endswith("OSI Approved")
