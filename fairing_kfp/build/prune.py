"""What a cache holds, and the removal of what was not used for long.

Every entry's time of last change is that of its last use: those who use one touch it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.build.in_use import deciding, marked
from fairing_kfp.build.seal import Seal
from fairing_kfp.errors import CacheError, ConfigError

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

RECENT = 600.0
"""Seconds for which an entry counts as in use after it was used, whoever used it."""

_ABANDONED = 86400.0  # a temporary file that was not written to for a day is nobody's
_MAX_SIZE = "20GB"
_BETWEEN_LOOKS = 3600.0  # seconds after which the size of a cache is looked at again
_WRITTEN_SHARE = 20  # or as soon as one process has written this part of what it may hold
_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


@dataclass(frozen=True)
class Entry:
    """Something that a cache keeps, and that can be removed alone.

    Attributes:
        kind: the folder of the cache that it lies in.
        path: the file or folder.
        size: its bytes.
        last_used: when, in seconds since the epoch.
    """

    kind: str
    path: Path
    size: int
    last_used: float


@dataclass(frozen=True)
class Pruned:
    """What became of a cache.

    Attributes:
        removed: the entries that are gone.
        in_use: those that should be, and stay because a running process uses them.
        left: the bytes that remain.
    """

    removed: tuple[Entry, ...]
    in_use: tuple[Entry, ...]
    left: int


def entries(cache: Cache) -> list[Entry]:
    """What a cache holds, the longest unused first."""
    found: list[Entry] = []
    for kind, path in _places(cache.root):
        with contextlib.suppress(FileNotFoundError):  # somebody else removed it meanwhile
            found.append(_entry(cache, kind, path))
    return sorted(found, key=lambda entry: (entry.last_used, entry.path))


def prune(
    cache: Cache, *, max_size: int | None = None, older_than: float | None = None, dry_run: bool = False
) -> Pruned:
    """Removes entries, the longest unused first; never one that a running process uses, or one used just now.

    Args:
        cache: what is pruned.
        max_size: the bytes that may remain. Records do not make room: they are small, and the locks among them keep
            a component's packages as they are.
        older_than: seconds since an entry's last use after which it is removed, records too.
        dry_run: whether nothing is removed, and the result says what would be.
    """
    found, used, now = entries(cache), marked(cache.root), time.time()
    left = sum(entry.size for entry in found)
    removed, in_use = [], []
    for entry in found:
        too_large = max_size is not None and left > max_size and not entry.kind.startswith("records")
        too_old = older_than is not None and now - entry.last_used > older_than
        abandoned = entry.kind == "tmp" and now - entry.last_used > _ABANDONED
        if not (too_large or too_old or abandoned):
            continue
        name = entry.path.relative_to(cache.root).as_posix()
        recent = _ABANDONED if entry.kind == "tmp" else RECENT
        if name in used or now - entry.last_used < recent or not (dry_run or _remove(cache, entry, name, recent)):
            in_use.append(entry)
            continue
        removed.append(entry)
        left -= entry.size
    return Pruned(tuple(removed), tuple(in_use), left)


class Bound:
    """Keeps a cache from growing without end. Looking at its size takes a while, so that it is done now and then.

    Args:
        max_size: the bytes that it may hold; by default those of `$FAIRING_KFP_CACHE_SIZE`, or else 20 GB.
    """

    def __init__(self, max_size: int | None = None) -> None:
        self._max_size = max_size
        self._written = 0
        self._looking = threading.Lock()

    def wrote(self, cache: Cache, size: int) -> None:
        """Takes note of what was written, and makes room if there is too much.

        Raises:
            ConfigError: the variable does not hold a size.
        """
        named = os.environ.get("FAIRING_KFP_CACHE_SIZE") or _MAX_SIZE
        limit = bytes_of(named) if self._max_size is None else self._max_size
        self._written += size
        looked = cache.root / "looked"
        if self._written <= limit // _WRITTEN_SHARE and time.time() - _changed(looked) < _BETWEEN_LOOKS:
            return
        # Whoever wrote has what it wanted; that there is no room for others is theirs to find out.
        if self._looking.acquire(blocking=False):
            try:
                with contextlib.suppress(OSError, CacheError):
                    self._written = 0
                    looked.touch()
                    prune(cache, max_size=limit)
            finally:
                self._looking.release()


def bytes_of(text: str) -> int:
    """Reads `20GB`, `500 MiB` or a number of bytes.

    Raises:
        ConfigError: it has another form.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in _UNITS:
        raise ConfigError(f"{text!r} is not a size", "write it as 20GB or 500MB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _places(root: Path) -> Iterator[tuple[str, Path]]:
    """The entries by their kinds; byte code is one entry, as Python mirrors whole paths there."""
    for name in ("blobs", "records"):
        for path in sorted(root.glob(f"{name}/*/*")):
            yield (f"records/{path.parent.name}" if name == "records" else name), path
    for name in ("trees", "roots", "python", "steps", "tmp"):
        for path in sorted(root.glob(f"{name}/*")):
            yield name, path
    if (root / "pycache").is_dir():
        yield "pycache", root / "pycache"


def _entry(cache: Cache, kind: str, path: Path) -> Entry:
    status = path.lstat()
    if not path.is_dir() or path.is_symlink():
        return Entry(kind, path, status.st_size, status.st_mtime)
    seal = Seal.read(cache.seal_path(path))
    newest = max((one.stat().st_mtime for one in path.glob("*/")), default=0.0) if kind == "pycache" else 0.0
    return Entry(kind, path, (seal or Seal.of(path)).size, max(status.st_mtime, newest))


def _remove(cache: Cache, entry: Entry, name: str, recent: float) -> bool:
    """Removes an entry, unless somebody has begun to use it since it was looked at."""
    (cache.root / "tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.root / "tmp", ignore_cleanup_errors=True) as aside:
        with deciding(cache.root, alone=True):
            try:
                used_again = time.time() - entry.path.lstat().st_mtime < recent or name in marked(cache.root)
                if not used_again:
                    entry.path.rename(Path(aside, "entry"))
                    cache.seal_path(entry.path).unlink(missing_ok=True)
            except FileNotFoundError:
                return True
        # Only now, as it takes long: nobody finds it here.
        gone = Path(aside, "entry")
        if gone.is_dir() and not gone.is_symlink():
            _make_removable(gone)
            shutil.rmtree(gone, ignore_errors=True)
    return not used_again


def _make_removable(folder: Path) -> None:
    """Steps and packages may have taken the right to write from folders."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
