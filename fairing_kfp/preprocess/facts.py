"""Facts about files, such as their imports, by the digest of their content: found once, and kept for other processes.

A fact depends on the content and on our own code alone, so a kept one is never out of date. The facts about the files
of one folder are one record of the user's cache; without a cache that can be written they are found again.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fairing_kfp.errors import CacheError

_kinds: list[Facts] = []


def save() -> None:
    """Keeps what this process has found since the last time."""
    for facts in _kinds:
        facts.save()


@dataclass
class _Record:
    """The facts about the files of a folder.

    Attributes:
        facts: JSON values by key.
        used: the keys that this process has asked for.
        is_new: whether some are not on disk yet.
    """

    facts: dict[str, Any]
    used: set[str] = field(default_factory=set)
    is_new: bool = False


class Facts:
    """Facts of one kind.

    Args:
        kind: its name.
        code: the files of our own code that decide it: other code finds all facts again.
    """

    def __init__(self, kind: str, *code: Path) -> None:
        self._kind = kind
        self._code = code
        self._records: dict[tuple[Path, str], _Record] = {}
        _kinds.append(self)

    def get(self, folder: str, key: str) -> Any:
        """A fact about a file of a folder; None if it is not known."""
        record = self._record(folder)
        record.used.add(key)
        return record.facts.get(key)

    def put(self, folder: str, key: str, value: Any) -> None:
        """Adds a fact about a file of a folder: a JSON value other than None."""
        record = self._record(folder)
        record.facts[key] = value
        record.used.add(key)
        record.is_new = True

    def save(self) -> None:
        """Keeps new facts on disk."""
        from fairing_kfp.cache.store import Cache

        for (root, folder), record in self._records.items():
            if not record.is_new:
                continue
            record.is_new = False
            facts = record.facts
            if len(facts) > 2 * len(record.used):  # most are about earlier contents
                facts = {key: value for key, value in facts.items() if key in record.used}
            with contextlib.suppress(CacheError):
                Cache(root).put_record(self._kind, self._key(folder), facts)

    def _record(self, folder: str) -> _Record:
        from fairing_kfp.cache.store import Cache, default_root

        place = default_root(), folder
        if place not in self._records:
            facts: Any = None
            with contextlib.suppress(CacheError):
                facts = Cache(place[0]).record(self._kind, self._key(folder))
            self._records[place] = _Record(facts if isinstance(facts, dict) else {})
        return self._records[place]

    def _key(self, folder: str) -> str:
        return f"{self._version} {folder}"

    @cached_property
    def _version(self) -> str:
        digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
        for path in sorted(self._code):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()
