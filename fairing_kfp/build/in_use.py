"""Which folders of a cache running processes use, so that nobody prunes them meanwhile.

Each process has a file in the cache that names what it uses, and holds a lock on that file: the lock ends with the
process, however the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

_FOLDER = "in-use"

_lock = threading.Lock()
_own: dict[tuple[Path, int], int] = {}


def mark(root: Path, name: str) -> None:
    """Says that this process uses a folder of a cache until it ends; does nothing where nobody can write.

    Args:
        root: the cache.
        name: the folder, relative to it.
    """
    with _lock, contextlib.suppress(OSError):
        key = (root.absolute(), os.getpid())
        if key not in _own:
            _own[key] = _begin(root / _FOLDER)
        os.write(_own[key], f"{name}\n".encode())


def marked(root: Path, *, by_others: bool = False) -> set[str]:
    """The folders that running processes use, this one or only the others; what ended ones left behind is removed."""
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
def deciding(root: Path, *, alone: bool) -> Iterator[None]:
    """Keeps those who begin to use entries, side by side, and one who removes entries, alone, from one another."""
    descriptor = -1
    with contextlib.suppress(OSError):  # in a cache that cannot be written nothing is removed either
        descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if descriptor >= 0:
            fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _begin(folder: Path) -> int:
    """Opens this process's file, locked before it has the name by which others look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder.parent, prefix=".in-use-")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    Path(name).rename(folder / f"{os.getpid()}-{Path(name).name[8:]}")
    return descriptor
