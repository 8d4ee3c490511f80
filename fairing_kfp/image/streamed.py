"""Layers of large files, read where they lie each time they are sent: no copy, no compression, and little memory.

The compressed file is made of stored blocks, as that of a small layer is (`fairing_kfp.image.stored`), so that its
digest depends on the files alone, its length is known beforehand, and nothing needs room on a disk.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from fairing_kfp.errors import PackError
from fairing_kfp.image import tar
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.stored import blocks

_CHUNK = 1 << 20

_Sized = Mapping[str, tuple[Path, int]]
"""Files by their paths in the image, each with the size that it had at first."""


def streamed_layer(name: str, files: Mapping[str, Path]) -> Layer:
    """A layer of files, which are read now for its digests, and again whenever it is sent.

    Args:
        name: what it holds.
        files: the files by their paths in the image; they must stay as they are until the layer was sent.

    Raises:
        PackError: a file cannot be read, changes meanwhile, or has a path that is not one inside an image.
    """
    sized = {path: (file, _size(file)) for path, file in files.items()}
    before, after, size = hashlib.sha256(), hashlib.sha256(), 0
    for part in blocks(_counted(_archive(sized), before)):
        after.update(part)
        size += len(part)
    diff_id, digest = f"sha256:{before.hexdigest()}", f"sha256:{after.hexdigest()}"
    return Layer(name, diff_id, digest, size, partial(_opened, sized))


def _opened(files: _Sized) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Pieces(blocks(_archive(files))), _CHUNK))


def _archive(files: _Sized) -> Iterator[bytes]:
    folders = {parent for path in files for parent in tar.parents(path)}
    for path in sorted(folders | files.keys()):
        tar.check(path)
        if path in folders:
            yield tar.entry(path, tar.DIRECTORY, 0o755)
        else:
            yield from _file(path, *files[path])
    yield tar.END


def _file(path: str, source: Path, size: int) -> Iterator[bytes]:
    left = size
    try:
        with source.open("rb") as file:
            yield tar.entry(path, tar.FILE, 0o644, size)
            while data := file.read(min(_CHUNK, left)):
                left -= len(data)
                yield data
            if left or file.read(1):
                raise PackError(f"{source} changed while it was packed", "let nobody write it, and run again")
            yield tar.padding(size)
    except OSError as error:
        raise _unreadable(source, error) from error


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Path, error: OSError) -> PackError:
    return PackError(f"{source} cannot be packed: {error.strerror or error}", "make it readable")


def _counted(parts: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for part in parts:
        digest.update(part)
        yield part


class _Pieces(io.RawIOBase):
    """What an iterator yields, as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
