"""Our side: layers that lie ready in a cache, appended by a call or by a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.client import RegistryClient

COMMAND = (sys.executable, "-c", "import sys; from bench.ours import append; append(*sys.argv[1:])")
"""A process that appends; the arguments of `append` are to follow."""


def append(base: str, target: str, cache: str, *keys: str) -> None:
    """Appends layers as a user's first call does: with connections of its own, and nothing in memory.

    Args:
        base: the base image.
        target: the repository.
        cache: a cache's folder that holds the layers.
        keys: what they were packed for.
    """
    store, client = Cache(Path(cache)), RegistryClient()
    builder = AppendBuilder(target, cache=store, client=client)
    builder.publish(image_of("step", base, store, keys))
    builder.close()
    client.close()


def image_of(name: str, base: str, cache: Cache, keys: Sequence[str]) -> Image:
    """A base and layers that the cache holds, whose folders are not looked at."""
    layers = tuple(Layer.of_tree(key, Path("/none"), "opt/bench", cache, key) for key in keys)
    return Image(name, Reference.parse(base), layers, Platform("linux", "amd64"), sys.version_info[:2])
