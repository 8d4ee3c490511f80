"""Layers, and the files in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import BinaryIO, Literal

from fairing_kfp.frozen import dataclass

Compression = Literal["gzip", "zstd"]


@dataclass(frozen=True)
class File:
    """A file of a layer.

    Attributes:
        path: relative to the root of the image, separated by `/`.
        data: its content.
        mode: its permission bits.
    """

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644


@dataclass(frozen=True)
class Layer:
    """A compressed tar archive of file system changes (image-spec, layer.md).

    Attributes:
        name: such as `code`; for messages and the image's history.
        diff_id: the digest of the uncompressed archive (image-spec, config.md, layer DiffID).
        digest: the digest of the compressed file, by which registries identify it.
        size: of the compressed file, in bytes.
        open: opens the compressed file at its start; can be called any number of times.
        compression: `gzip` or `zstd`.
        stream: opens the file for a reader that can start over: it is verified while it is read, and the last read
            raises TransientError if it is damaged. By default `open`, which verifies it first.
    """

    name: str
    diff_id: str
    digest: str
    size: int
    open: Callable[[], BinaryIO] = field(compare=False, repr=False)
    compression: Compression = "gzip"
    stream: Callable[[], BinaryIO] | None = field(default=None, compare=False, repr=False)
