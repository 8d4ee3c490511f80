"""The size limit of a cache, checked from time to time as entries are written."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from pathlib import Path

from fairing_kfp.errors import CacheError, ConfigError

_DEFAULT = "20GB"
_CHECK_INTERVAL = 3600.0  # seconds between checks of a cache's size, by any process
_CHECK_SHARE = 20  # a process that has written a twentieth of the limit checks before that
_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


class SizeLimit:
    """Prunes a cache that has grown beyond its limit. Measuring a cache is slow, so it happens rarely.

    Args:
        root: the cache.
        max_size: the limit in bytes; by default `$FAIRING_KFP_CACHE_SIZE`, or 20 GB.
    """

    def __init__(self, root: Path, max_size: int | None = None) -> None:
        self._root = root
        self._max_size = max_size
        self._written = 0
        self._checking = threading.Lock()

    def add(self, size: int) -> None:
        """Counts bytes that were written, and prunes the cache if it is time to check.

        Raises:
            ConfigError: `$FAIRING_KFP_CACHE_SIZE` is not a size.
        """
        variable = os.environ.get("FAIRING_KFP_CACHE_SIZE") or _DEFAULT
        limit = parse_size(variable) if self._max_size is None else self._max_size
        self._written += size
        checked = self._root / "looked"
        if self._written <= limit // _CHECK_SHARE and time.time() - _modified(checked) < _CHECK_INTERVAL:
            return
        # The entry is written by now. If nothing can be removed, the next write that fails reports the full disk.
        if self._checking.acquire(blocking=False):
            try:
                with contextlib.suppress(OSError, CacheError):
                    self._written = 0
                    checked.touch()
                    from fairing_kfp.cache.prune import prune  # on first use

                    prune(self._root, max_size=limit)
            finally:
                self._checking.release()


def parse_size(text: str) -> int:
    """Parses `20GB`, `500 MiB` or a number of bytes; returns bytes.

    Raises:
        ConfigError: the text is not a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in _UNITS:
        raise ConfigError(f"{text!r} is not a size", "write it as 20GB or 500MB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
