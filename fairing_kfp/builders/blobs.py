"""The layers of an image and its base, as blobs to send or write."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.assemble import AssembledIndex
from fairing_kfp.registry.repository import Repository


@dataclass(frozen=True)
class Blob:
    """A layer or config of an image.

    Attributes:
        name: the layer's name; `base` for the base's layers.
        digest: its digest.
        size: in bytes.
        open: opens it at its start; can be called any number of times.
        stream: as `open`, for a reader that can start over: see `Layer`.
        mount_from: a repository of the target registry that has it; empty if none is known.
    """

    name: str
    digest: str
    size: int
    open: Callable[[], BinaryIO]
    mount_from: str = ""
    stream: Callable[[], BinaryIO] | None = None


def layers_of(assembled: AssembledIndex, source: Repository, mount_from: str = "") -> list[Blob]:
    """The layers of all platforms, base first, each once; without foreign layers, which registries do not store.

    Args:
        assembled: the image.
        source: the base's repository.
        mount_from: `mount_from` of the base's layers.
    """
    blobs: dict[str, Blob] = {}
    for image in assembled.images:
        for layer in image.base.layers:
            if not layer.foreign:
                opened = partial(source.open_blob, layer.digest, layer.size)
                blobs.setdefault(layer.digest, Blob("base", layer.digest, layer.size, opened, mount_from))
        for own in image.layers:
            blobs.setdefault(own.digest, Blob(own.name, own.digest, own.size, own.open, stream=own.stream))
    return list(blobs.values())


def platforms_of(assembled: AssembledIndex) -> dict[str, str]:
    """The platforms that need a layer, by its digest; empty if all do."""
    needed: dict[str, list[str]] = {}
    for image in assembled.images:
        for digest in {one.digest for one in image.base.layers} | {one.digest for one in image.layers}:
            needed.setdefault(digest, []).append(str(image.base.platform))
    return {digest: "" if len(names) == len(assembled.images) else ", ".join(names) for digest, names in needed.items()}
