"""The cache on disk: content-addressed blobs, and small records that name them.

Safe for processes side by side: every entry is written to a temporary file in the cache and renamed, so that a reader
sees a whole entry or none, and a full disk leaves no half entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import platformdirs

from fairing_kfp.errors import CacheError

_CHUNK = 1 << 20


def default_root() -> Path:
    """`$FAIRING_KFP_CACHE`, or the user's cache folder."""
    named = os.environ.get("FAIRING_KFP_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("fairing-kfp"))


@dataclass(frozen=True)
class Pending:
    """A file being written, which `keep` gives its place."""

    file: IO[bytes]
    path: Path

    def keep(self, place: Path) -> None:
        """Renames the file to its place; what stood there is replaced."""
        self.file.flush()
        place.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(place)


class Cache:
    """A folder with `blobs/sha256/<hex>` and `records/<kind>/<key>.json`.

    Args:
        root: the folder; made when first written to.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def blob_path(self, digest: str) -> Path:
        """Where the blob of this digest (`sha256:<hex>`) lies, whether or not it is there."""
        algorithm, _, value = digest.partition(":")
        return self.root / "blobs" / algorithm / value

    def blob(self, digest: str) -> Path | None:
        """The path of a whole, undamaged blob, or None; a damaged one is dropped."""
        path = self.blob_path(digest)
        try:
            with path.open("rb") as file:
                actual = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    actual.update(chunk)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        if f"sha256:{actual.hexdigest()}" == digest:
            return path
        path.unlink(missing_ok=True)
        return None

    def put_blob(self, data: bytes) -> str:
        """Stores bytes and gives their digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self.blob_path(digest).exists():
            with self.writing() as pending:
                pending.file.write(data)
                pending.keep(self.blob_path(digest))
        return digest

    def record(self, kind: str, key: str) -> Any | None:
        """The JSON value kept under a kind and key, or None."""
        path = self._record_path(kind, key)
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:  # damaged: as good as absent
            path.unlink(missing_ok=True)
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def put_record(self, kind: str, key: str, value: Any) -> None:
        """Keeps a JSON value under a kind and key, replacing what was there."""
        with self.writing() as pending:
            pending.file.write(json.dumps(value, sort_keys=True).encode())
            pending.keep(self._record_path(kind, key))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Pending]:
        """A temporary file inside the cache, removed unless it is kept.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        try:
            folder = self.root / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    yield Pending(file, Path(name))
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _record_path(self, kind: str, key: str) -> Path:
        return self.root / "records" / kind / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _unusable(self, error: OSError) -> CacheError:
        return CacheError(
            f"the cache {self.root} cannot be used: {error.strerror or error}",
            "make it writable and leave room on its disk, or name another folder in FAIRING_KFP_CACHE",
        )
