"""Layers of large files, such as models: streamed from the original files each time, without copy or compression.

The layer consists of stored blocks, as a small one (`stored_gzip`). Its digest depends on the files alone, and it
needs neither memory nor disk space.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers import tar
from fairing_kfp.layers.stored_gzip import blocks

_CHUNK = 1 << 20

_Sized = Mapping[str, tuple[Path, int]]
"""Files and their initial sizes in bytes, by path in the image."""


def streamed_layer(name: str, files: Mapping[str, Path]) -> Layer:
    """A layer of files. They are read once for the digests, and again each time the layer is opened.

    Args:
        name: the layer's name.
        files: files by path in the image; they must not change until the layer is sent.

    Raises:
        PackError: a file cannot be read, or changes while it is read, or a path is not a plain relative path.
    """
    sized = {path: (file, _size(file)) for path, file in files.items()}
    diff_id, digest, size = hashlib.sha256(), hashlib.sha256(), 0
    for part in blocks(_hashed(_archive(sized), diff_id)):
        digest.update(part)
        size += len(part)
    digests = f"sha256:{diff_id.hexdigest()}", f"sha256:{digest.hexdigest()}"
    return Layer(name, *digests, size, partial(_open, sized))


def _open(files: _Sized) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_IterReader(blocks(_archive(files))), _CHUNK))


def _archive(files: _Sized) -> Iterator[bytes]:
    return tar.archive(files, lambda path: _file(path, *files[path]))


def _file(path: str, source: Path, size: int) -> Iterator[bytes]:
    left = size
    try:
        with source.open("rb") as file:
            yield tar.entry(path, tar.FILE, 0o644, size)
            while data := file.read(min(_CHUNK, left)):
                left -= len(data)
                yield data
            if left or file.read(1):
                raise PackError(f"{source} changed while it was packed", "run again while nothing writes to it")
            yield tar.padding(size)
    except OSError as error:
        raise _unreadable(source, error) from error


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Path, error: OSError) -> PackError:
    return PackError(f"cannot pack {source}: {error.strerror or error}", "make it readable")


def _hashed(parts: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for part in parts:
        digest.update(part)
        yield part


class _IterReader(io.RawIOBase):
    """A file with the bytes that an iterator yields."""

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
