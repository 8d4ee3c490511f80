"""The files of a layer, read from its compressed archive with bounded memory."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from fairing_kfp.comparison.image import ImageLayer

MAX_LAYER = 256 << 20
"""Compressed size, in bytes, up to which a layer is read."""

_MAX_FILES = 200_000
_MAX_UNPACKED = 4 << 30
_KEPT = 4 << 20  # bytes of a file up to which its content is kept
_MAX_KEPT = 64 << 20  # bytes of all contents that are kept
_CHUNK = 1 << 20


class UnreadableLayerError(Exception):
    """A layer is too large to be read, or damaged."""


@dataclass(frozen=True)
class LayerFile:
    """A file or link of a layer.

    Attributes:
        digest: the digest of its content, or the target of a link.
        size: in bytes.
        mode: its permission bits.
        data: its content; None if it is large, or a link.
    """

    digest: str
    size: int
    mode: int
    data: bytes | None = field(default=None, repr=False, compare=False)


def read_layer(layer: ImageLayer) -> dict[str, LayerFile]:
    """The files of a layer, by path.

    Raises:
        UnreadableLayerError: it is too large or damaged.
        RegistryError: it cannot be fetched.
    """
    if layer.size > MAX_LAYER:
        raise UnreadableLayerError(f"it is larger than {MAX_LAYER >> 20} MB")
    try:
        with layer.open() as source:
            files = dict(_files(source, layer))
            while source.read(_CHUNK):  # the last read verifies the digest
                pass
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableLayerError(f"it is damaged: {error}") from error
    return files


def _files(source: BinaryIO, layer: ImageLayer) -> Iterator[tuple[str, LayerFile]]:
    unpacked = kept = count = 0
    with tarfile.open(fileobj=_decompressed(source, layer), mode="r|") as archive:
        for entry in archive:
            count += 1
            unpacked += entry.size
            if count > _MAX_FILES or unpacked > _MAX_UNPACKED:
                raise UnreadableLayerError("it contains more than this command reads")
            path = entry.name.removeprefix("./").strip("/")
            if entry.issym() or entry.islnk():
                yield path, LayerFile(f"→ {entry.linkname}", 0, entry.mode)
            elif entry.isfile() and (file := archive.extractfile(entry)):
                keep = entry.size <= _KEPT and kept + entry.size <= _MAX_KEPT
                kept += entry.size if keep else 0
                yield path, _file(file, entry, keep=keep)


def _file(file: IO[bytes], entry: tarfile.TarInfo, *, keep: bool) -> LayerFile:
    digest, parts = hashlib.sha256(), []
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        if keep:
            parts.append(chunk)
    return LayerFile(digest.hexdigest(), entry.size, entry.mode, b"".join(parts) if keep else None)


def _decompressed(source: BinaryIO, layer: ImageLayer) -> IO[bytes]:
    if layer.compression == "zstd":
        from fairing_kfp.layers.compression import zstd_reader

        return zstd_reader(source)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=source, mode="rb"))
