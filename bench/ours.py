"""fairing-kfp as a contender: appends cached layers by a call or in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image.image import Image
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.registry.client import RegistryClient

_PROGRAM = """
from fairing_kfp.__main__ import run_program

def push():
    import sys
    from bench.ours import append
    append(*sys.argv[1:])

run_program(push)
"""
COMMAND = (sys.executable, "-c", _PROGRAM)
"""Command of a process that appends, and begins and ends as `fairing-kfp`; takes the arguments of `append`."""


def append(base: str, target: str, cache: str, *keys: str) -> None:
    """Appends layers like a user's first call, with new connections and nothing in memory.

    Args:
        base: the base image.
        target: the repository.
        cache: folder of a cache with the layers.
        keys: keys of the layers in the cache.
    """
    store, client = Cache(Path(cache)), RegistryClient()
    builder = AppendBuilder(target, cache=store, client=client)
    builder.publish(image_of("step", base, store, keys))
    builder.close()
    client.close()


def image_of(name: str, base: str, cache: Cache, keys: Sequence[str]) -> Image:
    """An image of a base and cached layers."""
    layers = tuple(layer_of_tree(key, Path("/none"), "opt/bench", cache, key) for key in keys)
    return Image(name, Reference.parse(base), layers, Platform("linux", "amd64"), sys.version_info[:2])
