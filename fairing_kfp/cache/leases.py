"""Leases: the cached folders that running processes use, which pruning leaves alone.

Each process has a file in the cache that lists its folders, and keeps that file locked. The operating system releases
the lock when the process ends, even if it is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

_FOLDER = "in-use"

_lock = threading.Lock()
_own: dict[tuple[Path, int], int] = {}


def acquire(root: Path, name: str) -> None:
    """Leases a folder of a cache until this process ends; does nothing if the cache is read-only.

    Args:
        root: the cache.
        name: the folder, relative to the cache.
    """
    with _lock, contextlib.suppress(OSError):
        key = (root.absolute(), os.getpid())
        if key not in _own:
            _own[key] = _create_lease_file(root / _FOLDER)
        os.write(_own[key], f"{name}\n".encode())


def leased(root: Path, *, by_others: bool = False) -> set[str]:
    """The folders that running processes use. Removes the files of processes that ended.

    Args:
        root: the cache.
        by_others: whether to leave out the leases of this process.
    """
    found: set[str] = set()
    for path in sorted((root / _FOLDER).glob("*")):
        if by_others and path.name.startswith(f"{os.getpid()}-"):
            continue
        with contextlib.suppress(OSError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.update(file.read().decode(errors="replace").split("\n"))
            else:
                path.unlink(missing_ok=True)
    return found - {""}


@contextlib.contextmanager
def locked(root: Path, *, exclusive: bool) -> Iterator[None]:
    """Locks a cache: shared to start using an entry, exclusive to replace or remove one."""
    descriptor = -1
    with contextlib.suppress(OSError):  # nothing is removed from a cache that cannot be written
        descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if descriptor >= 0:
            fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _create_lease_file(folder: Path) -> int:
    """Creates this process's file; it is locked before it gets the name that others look for."""
    import tempfile  # on first use

    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder.parent, prefix=".in-use-")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    Path(name).rename(folder / f"{os.getpid()}-{Path(name).name[8:]}")
    return descriptor
