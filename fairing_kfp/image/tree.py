"""Packing a folder of any size in one pass: read, archived, compressed and both digests, a buffer at a time."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fairing_kfp.errors import PackError
from fairing_kfp.image import tar
from fairing_kfp.image.compressor import compressor
from fairing_kfp.image.layer import Compression

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

_CHUNK = 1 << 20


def pack(root: Path, prefix: str, cache: Cache, compression: Compression = "gzip") -> dict[str, Any]:
    """Packs a folder into the cache, and gives the layer's `diff_id`, `digest` and `size`.

    Modes become 0644 or 0755, owners root, times zero; hard links become files, and symbolic links stay if they point
    inside the folder.

    Raises:
        PackError: a file cannot be read, changes meanwhile, or is of a kind that a layer cannot hold.
        CacheError: the cache cannot be written.
    """
    with cache.writing() as pending:
        packed = _Packed(pending.file, compression)
        for part in _archive(root, prefix):
            packed.write(part)
        known = packed.finish()
        pending.keep(cache.blob_path(known["digest"]))
    return known


def archive_digest(root: Path, prefix: str) -> str:
    """The digest of the archive that `pack` compresses: the layer's `diff_id`.

    Raises:
        PackError: as for `pack`.
    """
    digest = hashlib.sha256()
    for part in _archive(root, prefix):
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def outline(root: Path, prefix: str) -> str:
    """A digest of the archive's headers alone, for which no file is read: different ones, different archives.

    Raises:
        PackError: as for `pack`.
    """
    digest = hashlib.sha256()
    for part in _archive(root, prefix, contents=False):
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


class _Packed:
    """Compresses what is written, and takes the digests of what goes in and what comes out."""

    def __init__(self, out: Any, compression: Compression) -> None:
        self._out = out
        self._compressor = compressor(compression)
        self._buffer = bytearray()
        self._before = hashlib.sha256()
        self._after = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        # Chunks of one size, because where a compressor's input is cut may show in its output.
        while len(self._buffer) >= _CHUNK:
            self._compress(bytes(self._buffer[:_CHUNK]))
            del self._buffer[:_CHUNK]

    def finish(self) -> dict[str, Any]:
        self._compress(bytes(self._buffer))
        self._emit(self._compressor.flush())
        digests = {"diff_id": self._before, "digest": self._after}
        return {**{key: f"sha256:{value.hexdigest()}" for key, value in digests.items()}, "size": self._size}

    def _compress(self, data: bytes) -> None:
        self._before.update(data)
        self._emit(self._compressor.compress(data))

    def _emit(self, data: bytes) -> None:
        self._after.update(data)
        self._size += len(data)
        self._out.write(data)


def _archive(root: Path, prefix: str, *, contents: bool = True) -> Iterator[bytes]:
    """The archive of a folder, the folders above it included."""
    for folder in (*tar.parents(prefix), prefix):
        tar.check(folder)
        yield tar.entry(folder, tar.DIRECTORY, 0o755)
    yield from _below(root, root, prefix, contents)
    yield tar.END


def _below(root: Path, folder: Path, prefix: str, contents: bool) -> Iterator[bytes]:
    """The archive of a folder's content, entries by name, each folder before what it holds."""
    for found in _listed(folder):
        path = f"{prefix}/{found.name}"
        tar.check(path)
        if found.is_symlink():
            target = _target(root, Path(found.path))
            yield tar.entry(path, tar.SYMLINK, 0o777, target=target)
        elif found.is_dir():
            yield tar.entry(path, tar.DIRECTORY, 0o755)
            yield from _below(root, Path(found.path), path, contents)
        elif found.is_file():
            yield from _file(Path(found.path), path, contents)
        else:
            raise PackError(f"{found.path} is neither a file nor a folder", "remove it: a layer cannot hold it")


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _file(source: Path, path: str, contents: bool) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            status = os.fstat(file.fileno())
            executable = bool(status.st_mode & stat.S_IXUSR)
            yield tar.entry(path, tar.FILE, 0o755 if executable else 0o644, status.st_size)
            if contents:
                yield from _content(file, source, status.st_size)
                yield tar.padding(status.st_size)
    except OSError as error:
        raise _unreadable(source, error) from error


def _content(file: BinaryIO, source: Path, size: int) -> Iterator[bytes]:
    left = size
    while data := file.read(_CHUNK):
        left -= len(data)
        if left < 0:
            break
        yield data
    if left:
        raise PackError(f"{source} changed while it was packed", "run the command again")


def _target(root: Path, link: Path) -> str:
    """Where a symbolic link points, if that is inside the folder."""
    target = link.readlink()
    inside = Path(os.path.normpath(link.parent.relative_to(root) / target))
    if target.is_absolute() or inside.parts[:1] == (os.pardir,):
        raise PackError(f"the symbolic link {link} points outside {root}, to {target}", "put a copy there instead")
    return str(target)


def _unreadable(path: Path, error: OSError) -> PackError:
    return PackError(f"{path} cannot be packed: {error.strerror or error}", "make it readable, or leave it out")
