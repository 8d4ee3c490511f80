"""The cache on disk: content-addressed blobs, small records that name them, and folders that are made once.

Safe for processes side by side: every entry is written to a temporary place in the cache and renamed, so that a reader
sees a whole entry or none, and a full disk leaves no half entry. What was damaged is noticed when it is used, and is
then as good as absent. What was not used for long makes room, as soon as the cache is larger than it may be.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import platformdirs

from fairing_kfp.build import in_use
from fairing_kfp.build.prune import Bound
from fairing_kfp.build.seal import Seal
from fairing_kfp.errors import CacheError

_CHUNK = 1 << 20
_STALE = 60.0  # seconds for which a time of use is good enough


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
    """A folder with `blobs/sha256/<hex>`, `records/<kind>/<key>.json` and other folders.

    Args:
        root: the folder; made when first written to.
        max_size: the bytes that it may hold; `$FAIRING_KFP_CACHE_SIZE`, such as `50GB`, or 20 GB by default.
    """

    def __init__(self, root: Path | None = None, *, max_size: int | None = None) -> None:
        self.root = root or default_root()
        self._bound = Bound(max_size)

    def blob_path(self, digest: str) -> Path:
        """Where the blob of this digest (`sha256:<hex>`) lies, whether or not it is there."""
        algorithm, _, value = digest.partition(":")
        return self.root / "blobs" / algorithm / value

    def blob(self, digest: str) -> Path | None:
        """The path of a whole, undamaged blob, or None; a damaged one is dropped."""
        path = self.blob_path(digest)
        with in_use.deciding(self.root, alone=False):  # from here on nobody prunes it for a while
            self._touch(path)
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
        self._drop(path)
        return None

    def put_blob(self, data: bytes) -> str:
        """Stores bytes and gives their digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if self.blob(digest) is None:
            with self.writing() as pending:
                pending.file.write(data)
                pending.keep(self.blob_path(digest))
        return digest

    def record(self, kind: str, key: str) -> Any | None:
        """The JSON value kept under a kind and key, or None."""
        path = self._record_path(kind, key)
        try:
            digest, _, text = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        if hashlib.sha256(text).hexdigest().encode() != digest:
            self._drop(path)
            return None
        self._touch(path)
        return json.loads(text)

    def put_record(self, kind: str, key: str, value: Any) -> None:
        """Keeps a JSON value under a kind and key, replacing what was there."""
        text = json.dumps(value, sort_keys=True).encode()
        with self._pending() as pending:
            pending.file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            pending.keep(self._record_path(kind, key))

    def folder(self, kind: str, name: str, make: Callable[[Path], Path]) -> Path:
        """A folder that is made once and must not be changed; made again if it was.

        Nobody prunes it while this process runs. One that another process uses is not made again under it, as it may
        be that process that writes into it: some packages keep files beside their code.

        Args:
            kind: the folder of the cache that it lies in.
            name: stands for its content.
            make: makes it below a scratch folder, and gives its place there.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        place = self.use(kind, name)
        if self._is_whole(place) or (place.is_dir() and f"{kind}/{name}" in in_use.marked(self.root, by_others=True)):
            return place
        with self.scratch() as scratch, self._errors():
            made = make(scratch)
            made.chmod(0o755)
            seal = Seal.of(made)
            with in_use.deciding(self.root, alone=True):
                if not self._is_whole(place):  # else another process was faster, with the same
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if place.exists():
                        place.rename(scratch / "damaged")
                    with self._pending() as pending:
                        pending.file.write(seal.dump())
                        pending.keep(self.seal_path(place))
                    made.rename(place)
        self._bound.wrote(self, seal.size)
        return place

    def use(self, kind: str, name: str) -> Path:
        """The place of a folder, which nobody prunes while this process runs, whether or not it is there yet."""
        place = self.root.absolute() / kind / name
        with in_use.deciding(self.root, alone=False):
            in_use.mark(self.root, f"{kind}/{name}")
            self._touch(place)
        return place

    def seal_path(self, place: Path) -> Path:
        """Where the seal of a folder lies, which tells its state when it was made."""
        return self.root / "seals" / place.parent.name / place.name

    @contextlib.contextmanager
    def writing(self) -> Iterator[Pending]:
        """A temporary file inside the cache, removed unless it is kept.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        with self._pending() as pending:
            yield pending
            size = pending.file.tell()
        self._bound.wrote(self, size)

    @contextlib.contextmanager
    def _pending(self) -> Iterator[Pending]:
        with self._errors():
            folder = self.root / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    yield Pending(file, Path(name))
            finally:
                Path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder inside the cache, from which files can be renamed or linked to others.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        with self._errors():
            parent = self.root.absolute() / "tmp"
            parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
                yield Path(folder)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(error) from error

    def _is_whole(self, place: Path) -> bool:
        if not place.is_dir():
            return False
        seal = Seal.read(self.seal_path(place))
        try:
            return seal is not None and seal == Seal.of(place)
        except OSError:
            return False

    def _touch(self, path: Path) -> None:
        """Notes that an entry is used; a cache that can only be read is not pruned by those who read it."""
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE:
                os.utime(path)

    def _drop(self, path: Path) -> None:
        """Removes a damaged entry, where that is allowed."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _record_path(self, kind: str, key: str) -> Path:
        return self.root / "records" / kind / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _unusable(self, error: OSError) -> CacheError:
        return CacheError(
            f"the cache {self.root} cannot be used: {error.strerror or error}",
            "make it writable and leave room on its disk, or name another folder in FAIRING_KFP_CACHE",
        )
