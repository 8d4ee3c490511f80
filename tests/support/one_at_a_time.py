"""Work that pytest-xdist's workers do one after the other, so that each uses what another has packed."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from fairing_kfp.cache.store import Cache


@contextlib.contextmanager
def one_at_a_time(shared: Cache, name: str) -> Iterator[None]:
    """Waits until no other worker does what has this name.

    Args:
        shared: the cache of all workers.
        name: name of the work.
    """
    shared.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (shared.root / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
