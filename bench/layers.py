"""Layers to be appended: of a given size, and packed already."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.measure import MissingError
from bench.services import Workplace
from fairing_kfp.build.cache import Cache
from fairing_kfp.image.layer import Layer

_BLOCK = 1 << 20  # repeated: gzip looks back 32 KB only, and finds nothing to make smaller
_SPARE = 10 << 30


@dataclass(frozen=True)
class Ready:
    """A packed layer of one file.

    Attributes:
        source: the file.
        packed: a cache's folder that holds the layer and nothing else.
        blob: the gzip file in it.
    """

    key: str
    packed: Path
    source: Path
    blob: Path
    layer: Layer

    def into(self, cache: Cache) -> None:
        """Lets a cache hold the layer, as if it had been packed there."""
        for path in self.packed.rglob("*"):
            place = cache.root / path.relative_to(self.packed)
            if path.is_file() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, place)


def ready(work: Workplace, key: str, size: int) -> Ready:
    """A layer of a size.

    Raises:
        MissingError: the disk has no room for it and its copies.
    """
    if shutil.disk_usage(work.folder).free < 6 * size + _SPARE:
        raise MissingError(f"there is no room in {work.folder} for layers of {size} bytes")
    folder = work.folder / work.fresh("layer")
    tree, cache = folder / "tree", Cache(folder / "cache")
    tree.mkdir(parents=True)
    block, source = os.urandom(min(size, _BLOCK)), tree / "data"
    with source.open("wb") as file:
        for begin in range(0, size, len(block)):
            file.write(block[: size - begin])
    layer = Layer.of_tree(key, tree, "opt/bench", cache, key)
    return Ready(key, cache.root, source, cache.blob_path(layer.digest), layer)


def filled(work: Workplace, *layers: Ready) -> Cache:
    """A new cache that holds nothing but layers."""
    cache = Cache(work.folder / work.fresh("cache"))
    for layer in layers:
        layer.into(cache)
    return cache
