"""The cache on disk: content-addressed blobs, small JSON records, and folders that are made once.

Any number of processes can share a cache. Every entry is written to a temporary file or folder of the cache and then
renamed, so readers see a complete entry or none, and a full disk leaves no partial entry. A damaged entry is detected
when it is read, and counts as missing. Above the size limit, the least recently used entries are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from fairing_kfp.cache import leases
from fairing_kfp.cache.owner import check_owner, create
from fairing_kfp.cache.seal import Seal, seal_path
from fairing_kfp.cache.size_limit import SizeLimit
from fairing_kfp.cache.verified_file import VerifiedFile
from fairing_kfp.errors import CacheError
from fairing_kfp.frozen import dataclass

KNOWN_REMOTE = "held"
"""Kind of the records of layers that a registry is known to have, by digest. Written by builders, read by `layers/`."""

_CHUNK = 1 << 20
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_TOUCH_INTERVAL = 60.0  # seconds; the precision of the time of last use


def default_root() -> Path:
    """`$FAIRING_KFP_CACHE`, or `fairing-kfp` in the user's cache folder."""
    if named := os.environ.get("FAIRING_KFP_CACHE"):
        return Path(named)
    import platformdirs  # on first use

    return Path(platformdirs.user_cache_dir("fairing-kfp"))


@dataclass(frozen=True)
class PendingFile:
    """A temporary file of the cache, which is removed unless it is committed.

    Attributes:
        file: open for reading and writing.
        path: its temporary path.
    """

    file: IO[bytes]
    path: Path

    def commit(self, path: Path) -> None:
        """Renames the file to its final path, and replaces the file there."""
        self.file.flush()
        try:
            self.path.replace(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.path.replace(path)


class Cache:
    """A cache folder: `blobs/sha256/<hex>`, `records/<kind>/<sha256 of the key>.json` and `<kind>/<name>/` for folders.

    Args:
        root: the folder, created on the first write, for its user alone; by default `default_root()`.
        max_size: the limit in bytes above which entries are removed; by default `$FAIRING_KFP_CACHE_SIZE`, or 20 GB.
        on_miss: called with what is done, before slow work whose result is not in the cache; from several threads.
    """

    def __init__(
        self, root: Path | None = None, *, max_size: int | None = None, on_miss: Callable[[str], None] | None = None
    ) -> None:
        self.on_miss = on_miss or (lambda text: None)
        self._root = root or default_root()
        self._size_limit = SizeLimit(self._root, max_size)
        self._is_trusted = False

    @classmethod
    def temporary(cls, root: Path) -> Cache:
        """A cache in a folder that was made for it, so nobody has to be asked who owns it."""
        cache = cls(root)
        cache._is_trusted = True
        return cache

    @property
    def root(self) -> Path:
        """The folder, whether or not it exists.

        Raises:
            CacheError: others can write it; see `check_owner`.
        """
        if not self._is_trusted:
            check_owner(self._root)
            self._is_trusted = self._root.is_dir()
        return self._root

    def blob_path(self, digest: str) -> Path:
        """The path of the blob with this digest (`sha256:<hex>`), whether or not it exists."""
        algorithm, _, value = digest.partition(":")
        return self.root / "blobs" / algorithm / value

    def blob(self, digest: str) -> Path | None:
        """The path of a blob after its digest was verified; None if it is missing. A damaged blob is removed.

        Raises:
            CacheError: the cache cannot be read.
        """
        path = self.blob_path(digest)
        file = self._opened(path)
        if file is None:
            return None
        actual = hashlib.sha256()
        try:
            with file:
                while chunk := file.read(_CHUNK):
                    actual.update(chunk)
        except OSError as error:
            raise self._unusable(error) from error
        if f"sha256:{actual.hexdigest()}" == digest:
            return path
        self._drop(path)
        return None

    def open_blob(self, digest: str, size: int) -> BinaryIO | None:
        """Opens a blob of this size, which is verified by its last read; None if it is missing or has another size.

        A damaged blob is removed when it is noticed.

        Raises:
            CacheError: the cache cannot be read.
        """
        path = self.blob_path(digest)
        file = self._opened(path)
        if file is None:
            return None
        if os.fstat(file.fileno()).st_size != size:
            file.close()
            return None
        return cast(BinaryIO, VerifiedFile(file, digest, size, lambda: self._drop(path)))

    def _opened(self, path: Path) -> BinaryIO | None:
        """Opens the file of a blob, which counts as its use; None if it is missing."""
        with leases.locked(self.root, exclusive=False):  # a recently used blob is not pruned
            self._touch(path)
        try:
            return path.open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def put_blob(self, data: bytes) -> str:
        """Stores bytes; returns their digest.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if self.blob(digest) is None:
            with self.writing() as pending:
                pending.file.write(data)
                pending.commit(self.blob_path(digest))
        return digest

    def record(self, kind: str, key: str) -> Any | None:
        """The JSON value stored under a kind and key; None if it is missing or damaged.

        Raises:
            CacheError: the cache cannot be read.
        """
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
        """Stores a JSON value under a kind and key, and replaces an earlier value.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        text = json.dumps(value, sort_keys=True).encode()
        with self._pending() as pending:
            pending.file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            pending.commit(self._record_path(kind, key))

    def folder(self, kind: str, name: str, make: Callable[[Path], Path]) -> Path:
        """A read-only folder, made on first use and leased until this process ends. A changed one is made again.

        A changed folder that another process uses is left as it is: that process may be the one that writes to it,
        since some packages write files next to their code.

        Args:
            kind: its folder in the cache.
            name: a key of its content.
            make: makes the folder inside the given scratch folder; returns its path.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        place = self.use(kind, name)
        if self._is_intact(place) or (place.is_dir() and f"{kind}/{name}" in leases.leased(self.root, by_others=True)):
            return place
        with self.scratch() as scratch, self._errors():
            made = make(scratch)
            made.chmod(0o755)
            seal = Seal.of(made)
            with leases.locked(self.root, exclusive=True):
                if not self._is_intact(place):  # otherwise another process has made it meanwhile
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if place.exists():
                        place.rename(scratch / "damaged")
                    with self._pending() as pending:
                        pending.file.write(seal.dump())
                        pending.commit(seal_path(self.root, place))
                    made.rename(place)
        self._size_limit.add(seal.size)
        return place

    def use(self, kind: str, name: str) -> Path:
        """The path of a folder, whether or not it exists. It is leased until this process ends."""
        place = self.root.absolute() / kind / name
        with contextlib.suppress(OSError):  # a cache that cannot be written may contain the folder
            self._create()
        with leases.locked(self.root, exclusive=False):
            leases.acquire(self.root, f"{kind}/{name}")
            self._touch(place)
        return place

    def forget(self, kind: str, name: str) -> None:
        """Has a folder made again on its next use, unless another process uses it.

        Raises:
            CacheError: the cache is not writable.
        """
        with self._errors():
            seal_path(self.root, self.root / kind / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self) -> Iterator[PendingFile]:
        """A temporary file in the cache, which is removed unless it is committed.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        with self._pending() as pending:
            yield pending
            size = pending.file.tell()
        self._size_limit.add(size)

    @contextlib.contextmanager
    def _pending(self) -> Iterator[PendingFile]:
        with self._errors():
            path = self.root / "tmp" / os.urandom(8).hex()
            try:
                descriptor = os.open(path, _NEW, 0o600)
            except FileNotFoundError:
                self._create()
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(path, _NEW, 0o600)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    yield PendingFile(file, path)
            finally:
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder in the cache, on the same file system as its entries.

        Raises:
            CacheError: the cache is not writable, or the disk is full.
        """
        with self._errors():
            self._create()
            parent = self.root.absolute() / "tmp"
            parent.mkdir(parents=True, exist_ok=True)
            import tempfile  # on first use

            with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
                yield Path(folder)

    def _create(self) -> None:
        if not self.root.is_dir():
            create(self._root.absolute())
            self.root  # noqa: B018 - is checked, since another process may have created it

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(error) from error

    def _is_intact(self, place: Path) -> bool:
        if not place.is_dir():
            return False
        seal = Seal.read(seal_path(self.root, place))
        try:
            return seal is not None and seal == Seal.of(place)
        except OSError:
            return False

    def _touch(self, path: Path) -> None:
        """Updates the time of last use; a read-only cache keeps the old time, and its readers do not prune it."""
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_INTERVAL:
                os.utime(path)

    def _drop(self, path: Path) -> None:
        """Removes a damaged entry if the cache is writable."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def _record_path(self, kind: str, key: str) -> Path:
        return self.root / "records" / kind / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _unusable(self, error: OSError) -> CacheError:
        return CacheError(
            f"the cache {self._root} cannot be used: {error.strerror or error}",
            "make it writable, free space on its disk, or set FAIRING_KFP_CACHE to another folder",
        )
