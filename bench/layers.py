"""Compressed layers of a given size."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.measure import MissingError
from bench.services import Workplace
from fairing_kfp.cache.store import Cache
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers.tree_cache import layer_of_tree

_BLOCK = 1 << 20  # repeated; gzip's window of 32 KB finds no repetition to compress
_SPARE = 10 << 30


@dataclass(frozen=True)
class Ready:
    """A compressed layer of one file.

    Attributes:
        key: key of the layer in the cache.
        packed: folder of a cache with this layer only.
        source: the file.
        blob: the gzip file in the cache.
        layer: the layer.
    """

    key: str
    packed: Path
    source: Path
    blob: Path
    layer: Layer

    def into(self, cache: Cache) -> None:
        """Adds the layer to a cache, as if it had been compressed there."""
        for path in self.packed.rglob("*"):
            place = cache.root / path.relative_to(self.packed)
            if path.is_file() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, place)


def ready(work: Workplace, key: str, size: int) -> Ready:
    """Makes a layer of a size in bytes.

    Raises:
        MissingError: the disk has no space for it and its copies.
    """
    if shutil.disk_usage(work.folder).free < 6 * size + _SPARE:
        raise MissingError(f"{work.folder} has no space for layers of {size} bytes")
    folder = work.folder / work.fresh("layer")
    tree, cache = folder / "tree", Cache(folder / "cache")
    tree.mkdir(parents=True)
    block, source = os.urandom(min(size, _BLOCK)), tree / "data"
    with source.open("wb") as file:
        for begin in range(0, size, len(block)):
            file.write(block[: size - begin])
    layer = layer_of_tree(key, tree, "opt/bench", cache, key)
    return Ready(key, cache.root, source, cache.blob_path(layer.digest), layer)


def filled(work: Workplace, *layers: Ready) -> Cache:
    """A new cache with the given layers only."""
    cache = Cache(work.folder / work.fresh("cache"))
    for layer in layers:
        layer.into(cache)
    return cache
