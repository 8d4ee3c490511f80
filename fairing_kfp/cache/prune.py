"""Listing and pruning of a cache, least recently used entries first.

The modification time of an entry is the time of its last use: the store touches entries that it reads.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fairing_kfp.cache.leases import leased, locked
from fairing_kfp.cache.seal import Seal, seal_path
from fairing_kfp.frozen import dataclass

RECENT = 600.0
"""Seconds after its last use in which an entry counts as in use."""

_ABANDONED = 86400.0  # seconds without a write after which a temporary file counts as abandoned


@dataclass(frozen=True)
class Entry:
    """An entry of a cache, which can be removed on its own.

    Attributes:
        kind: its folder in the cache.
        path: the file or folder.
        size: in bytes.
        last_used: in seconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    last_used: float


@dataclass(frozen=True)
class Pruned:
    """The result of pruning.

    Attributes:
        removed: the removed entries.
        in_use: entries that were due, and remain because a running process uses them.
        left: remaining bytes.
    """

    removed: tuple[Entry, ...]
    in_use: tuple[Entry, ...]
    left: int


def entries(root: Path) -> list[Entry]:
    """The entries of a cache, least recently used first."""
    found: list[Entry] = []
    for kind, path in _paths(root):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile by another process
            found.append(_entry(root, kind, path))
    return sorted(found, key=lambda entry: (entry.last_used, entry.path))


def prune(root: Path, *, max_size: int | None = None, older_than: float | None = None, dry_run: bool = False) -> Pruned:
    """Removes the least recently used entries, except those that are leased or were used recently.

    Args:
        root: the cache.
        max_size: the bytes that may remain. Records are not removed for size: they are small, and the locks among
            them keep the versions of a component's packages.
        older_than: seconds since the last use after which an entry is removed, records included.
        dry_run: whether to report what would be removed, without removing it.
    """
    found, leases, now = entries(root), leased(root), time.time()
    left = sum(entry.size for entry in found)
    removed, in_use = [], []
    for entry in found:
        too_large = max_size is not None and left > max_size and not entry.kind.startswith("records")
        too_old = older_than is not None and now - entry.last_used > older_than
        abandoned = entry.kind == "tmp" and now - entry.last_used > _ABANDONED
        if not (too_large or too_old or abandoned):
            continue
        name = entry.path.relative_to(root).as_posix()
        recent = _ABANDONED if entry.kind == "tmp" else RECENT
        if name in leases or now - entry.last_used < recent or not (dry_run or _remove(root, entry, name, recent)):
            in_use.append(entry)
            continue
        removed.append(entry)
        left -= entry.size
    return Pruned(tuple(removed), tuple(in_use), left)


def _paths(root: Path) -> Iterator[tuple[str, Path]]:
    """The kind and path of each entry; all byte code is one entry, since Python mirrors absolute paths in it."""
    for name in ("blobs", "records"):
        for path in sorted(root.glob(f"{name}/*/*")):
            yield (f"records/{path.parent.name}" if name == "records" else name), path
    for name in ("trees", "roots", "python", "steps", "tmp"):
        for path in sorted(root.glob(f"{name}/*")):
            yield name, path
    if (root / "pycache").is_dir():
        yield "pycache", root / "pycache"


def _entry(root: Path, kind: str, path: Path) -> Entry:
    status = path.lstat()
    if not path.is_dir() or path.is_symlink():
        return Entry(kind, path, status.st_size, status.st_mtime)
    seal = Seal.read(seal_path(root, path))
    newest = max((one.stat().st_mtime for one in path.glob("*/")), default=0.0) if kind == "pycache" else 0.0
    return Entry(kind, path, (seal or Seal.of(path)).size, max(status.st_mtime, newest))


def _remove(root: Path, entry: Entry, name: str, recent: float) -> bool:
    """Removes an entry; returns False if a process has started to use it since it was listed."""
    (root / "tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "tmp", ignore_cleanup_errors=True) as trash:
        with locked(root, exclusive=True):
            try:
                used_again = time.time() - entry.path.lstat().st_mtime < recent or name in leased(root)
                if not used_again:
                    entry.path.rename(Path(trash, "entry"))
                    seal_path(root, entry.path).unlink(missing_ok=True)
            except FileNotFoundError:
                return True
        # Deleting a tree is slow, so it happens after the lock is released.
        gone = Path(trash, "entry")
        if gone.is_dir() and not gone.is_symlink():
            _make_removable(gone)
            shutil.rmtree(gone, ignore_errors=True)
    return not used_again


def _make_removable(folder: Path) -> None:
    """Makes folders writable, since steps and packages may have made some read-only."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)
