"""Layers of installed files, known from a record of the user's cache while the files are unchanged.

To read, pack and hash them takes a tenth of an unchanged `compile`. The record lists the files with size and time of
modification, as Git and make compare them, and folders, whose time changes when a file is added or removed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import CacheError
from fairing_kfp.image.layer import Layer

_KIND = "installed-layer"


def recorded_layer(name: str, key: str, make: Callable[[], Layer], sources: Callable[[], Iterable[Path]]) -> Layer:
    """A layer whose files are read only if they have changed, or if its content is needed.

    Args:
        name: the layer's name.
        key: tells one installation from another.
        make: makes the layer.
        sources: the files and folders that decide its content.
    """
    key = f"{name} {key}"
    kept: Any = None
    with contextlib.suppress(CacheError):
        kept = Cache().record(_KIND, key)
    if isinstance(kept, dict) and kept["status"] == _status(kept["paths"]):
        return _kept_layer(name, kept, make)
    layer = make()
    paths = sorted(map(str, sources()))
    if (status := _status(paths)) is not None:
        about = {"diff_id": layer.diff_id, "digest": layer.digest, "size": layer.size}
        with contextlib.suppress(CacheError):
            Cache().put_record(_KIND, key, {"paths": paths, "status": status, **about})
    return layer


def _kept_layer(name: str, kept: dict[str, Any], make: Callable[[], Layer]) -> Layer:
    made = cache(make)

    def content() -> BinaryIO:
        return made().open()

    return Layer(name, kept["diff_id"], kept["digest"], kept["size"], content)


def _status(paths: Iterable[str]) -> str | None:
    """The digest of size and time of files and folders; None if one is missing."""
    digest = hashlib.sha256()
    try:
        for path in paths:
            status = Path(path).stat()
            digest.update(f"{path} {status.st_mode} {status.st_size} {status.st_mtime_ns}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()
