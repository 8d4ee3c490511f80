"""Caches with entries of all kinds and ages."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from fairing_kfp.cache import leases
from fairing_kfp.cache.prune import Entry, entries
from fairing_kfp.cache.store import Cache

DAY = 86400.0


def make_tree(size: int) -> Callable[[Path], Path]:
    """A `make` for `Cache.folder`: a package with one module of this size, and a symbolic link."""

    def make(scratch: Path) -> Path:
        (scratch / "tree/package").mkdir(parents=True)
        (scratch / "tree/package/module.py").write_bytes(b"x" * size)
        (scratch / "tree/link").symlink_to("package")
        return scratch / "tree"

    return make


def age(path: Path, days: float) -> None:
    """Makes an entry look unused for some days."""
    os.utime(path, (time.time() - days * DAY,) * 2)


def end_leases(root: Path) -> None:
    """Ends the leases of this process, as if it had ended."""
    os.close(leases._own.pop((root.absolute(), os.getpid())))


def kinds(found: Iterable[Entry]) -> list[str]:
    return sorted(entry.kind for entry in found)


@pytest.fixture
def filled(cache: Cache) -> Cache:
    """A blob, a record and a folder that no process uses, last used 3, 2 and 1 days ago."""
    cache.put_blob(bytes(1000))
    cache.put_record("lock", "k", "v")
    cache.folder("trees", "one", make_tree(2000))
    end_leases(cache.root)
    (cache.root / "steps").mkdir()
    (cache.root / "steps/key.json").write_text("{}")
    (cache.root / "pycache/home").mkdir(parents=True)
    (cache.root / "pycache/home/module.pyc").write_bytes(bytes(10))
    (cache.root / "python/key").mkdir(parents=True)
    (cache.root / "roots/key").mkdir(parents=True)
    for entry in entries(cache.root):
        days = {"blobs": 3, "records/lock": 2, "trees": 1}.get(entry.kind, 2.5)
        age(entry.path, days)
    age(cache.root / "pycache/home", 2.5)
    return cache
