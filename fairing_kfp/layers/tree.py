"""Packing of a folder of any size: archived, compressed and hashed in one pass, with constant memory."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import Compression
from fairing_kfp.layers import tar
from fairing_kfp.layers.compression import compressor

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

_CHUNK = 1 << 20


def pack_tree(root: Path, prefix: str, cache: Cache, compression: Compression = "gzip") -> dict[str, Any]:
    """Packs a folder into a blob of the cache; returns the layer's `diff_id`, `digest` and `size`.

    Modes become 0644 or 0755, owners 0 and times 0. Hard links become files. Symbolic links are kept if they point
    inside the folder.

    Args:
        root: the folder.
        prefix: path of its content in the image, such as `opt/packages`.
        cache: the cache.
        compression: the compression.

    Raises:
        PackError: a file cannot be read, changes while it is read, or is neither file, folder nor link.
        CacheError: the cache is not writable, or the disk is full.
    """
    with cache.writing() as pending:
        writer = _LayerWriter(pending.file, compression)
        for part in _archive(root, prefix):
            writer.write(part)
        packed = writer.finish()
        pending.commit(cache.blob_path(packed["digest"]))
    return packed


def archive_digest(root: Path, prefix: str) -> str:
    """The digest of the uncompressed archive: the layer's `diff_id`.

    Raises:
        PackError: as for `pack_tree`.
    """
    digest = hashlib.sha256()
    for part in _archive(root, prefix):
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


def headers_digest(root: Path, prefix: str) -> str:
    """A digest of the archive's headers, for which no file is read. Different headers mean different archives.

    Raises:
        PackError: as for `pack_tree`.
    """
    digest = hashlib.sha256()
    for part in _archive(root, prefix, contents=False):
        digest.update(part)
    return f"sha256:{digest.hexdigest()}"


class _LayerWriter:
    """Compresses an archive into a file, and computes the digests of both."""

    def __init__(self, out: Any, compression: Compression) -> None:
        self._out = out
        self._compressor = compressor(compression)
        self._buffer = bytearray()
        self._diff_id = hashlib.sha256()
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        # Chunks of equal size, since a compressor's output can depend on how its input is split.
        while len(self._buffer) >= _CHUNK:
            self._compress(bytes(self._buffer[:_CHUNK]))
            del self._buffer[:_CHUNK]

    def finish(self) -> dict[str, Any]:
        self._compress(bytes(self._buffer))
        self._emit(self._compressor.flush())
        return {
            "diff_id": f"sha256:{self._diff_id.hexdigest()}",
            "digest": f"sha256:{self._digest.hexdigest()}",
            "size": self._size,
        }

    def _compress(self, data: bytes) -> None:
        self._diff_id.update(data)
        self._emit(self._compressor.compress(data))

    def _emit(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)
        self._out.write(data)


def _archive(root: Path, prefix: str, *, contents: bool = True) -> Iterator[bytes]:
    """The archive of a folder, with entries for the folders above it."""
    for folder in (*tar.parents(prefix), prefix):
        tar.check_path(folder)
        yield tar.entry(folder, tar.DIRECTORY, 0o755)
    yield from _below(root, root, prefix, contents)
    yield tar.END


def _below(root: Path, folder: Path, prefix: str, contents: bool) -> Iterator[bytes]:
    """The entries of a folder's content, sorted by name; each folder comes before its content."""
    for found in _scan(folder):
        path = f"{prefix}/{found.name}"
        tar.check_path(path)
        if found.is_symlink():
            target = _link_target(root, Path(found.path))
            yield tar.entry(path, tar.SYMLINK, 0o777, target=target)
        elif found.is_dir():
            yield tar.entry(path, tar.DIRECTORY, 0o755)
            yield from _below(root, Path(found.path), path, contents)
        elif found.is_file():
            yield from _file(Path(found.path), path, contents)
        else:
            raise PackError(f"{found.path} is neither a file nor a folder", "remove it: layers cannot contain it")


def _scan(folder: Path) -> list[os.DirEntry[str]]:
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


def _link_target(root: Path, link: Path) -> str:
    """The target of a symbolic link, which must be inside the folder."""
    target = link.readlink()
    inside = Path(os.path.normpath(link.parent.relative_to(root) / target))
    if target.is_absolute() or inside.parts[:1] == (os.pardir,):
        raise PackError(f"the symbolic link {link} points outside {root}, to {target}", "replace it with a copy")
    return str(target)


def _unreadable(path: Path, error: OSError) -> PackError:
    return PackError(f"cannot pack {path}: {error.strerror or error}", "make it readable, or remove it")
