"""Layers of a step's packages: each large package has its own, and the others share one.

A changed package is sent in its own layer or in the small shared one, and a node pulls the layers in parallel. Together
they result in the same files as one folder of all packages.
"""

from __future__ import annotations

import filecmp
import functools
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.dependencies.overlay import Overlay, overlay, size
from fairing_kfp.dependencies.unpacked import unpack_each
from fairing_kfp.dependencies.verified import kept, link_verified, verified
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import Compression, Layer
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.preprocess.image_paths import DEPENDENCIES

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock import Lock

MAX_OWN_LAYERS = 16
"""Maximum number of packages with a layer of their own: engines support 127 layers, including those of the base image.

With 16 of them, a changed package of torch and transformers (67 packages, 3.1 GB) sends 89 MB on average.
"""

MIN_OWN_SIZE = 5_000_000
"""Minimum unpacked size of a package with a layer of its own, in bytes: the requests for a smaller one take longer than
sending it."""

_RECORD = "package-groups"
_SHARED = "dependencies"


@dataclass(frozen=True)
class PackageGroup:
    """The packages in one layer.

    Attributes:
        name: the layer's name.
        packages: the names of the distributions.
        key: identifies the content.
    """

    name: str
    packages: tuple[str, ...]
    key: str


def dependency_layers(lock: Lock, cache: Cache, compression: Compression) -> dict[Layer, tuple[str, ...]]:
    """The layers of locked packages, lowest first, with the packages in each, as `name==version`.

    The largest is lowest: a node unpacks a changed layer and those above it.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock or conflict, or the disk is full.
        CacheError: the cache cannot be written.
    """
    key = f"{MAX_OWN_LAYERS} {MIN_OWN_SIZE} {lock.digest}"
    known = cache.record(_RECORD, key)
    if known is None:
        known = [asdict(group) for group in _groups(lock, unpack_each(lock, cache))]
        cache.put_record(_RECORD, key, known)
    groups = [PackageGroup(one["name"], tuple(one["packages"]), one["key"]) for one in known]
    pins = lock.pins

    def layer(group: PackageGroup) -> Layer:
        root = kept(functools.partial(_root, group, lock, cache))
        return layer_of_tree(group.name, root, DEPENDENCIES, cache, f"{DEPENDENCIES} {group.key}", compression)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:  # compressors release the GIL
        layers = list(pool.map(layer, groups))
    return {
        one: tuple(f"{name}=={pins[name].version}" for name in group.packages)
        for one, group in zip(layers, groups, strict=True)
    }


def _groups(lock: Lock, trees: Mapping[str, Path]) -> list[PackageGroup]:
    sizes = {name: size(tree) for name, tree in trees.items()}
    by_size = sorted(sizes, key=lambda name: (-sizes[name], name))
    large = tuple(name for name in by_size if sizes[name] >= MIN_OWN_SIZE)[:MAX_OWN_LAYERS]
    groups = [PackageGroup(f"{name}=={lock.pins[name].version}", (name,), lock.only(name).digest) for name in large]
    small = tuple(sorted(trees.keys() - set(large)))
    files = _shared_files(trees, large)
    expected = overlay({name: trees[name] for name in small})
    added = {path: _owner(source, trees) for path, source in files.items() if expected.get(path, "") != source}
    if files:
        digests = [lock.only(name).digest for name in small]
        text = json.dumps([digests, {path: name and lock.only(name).digest for path, name in added.items()}])
        key = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        groups.append(PackageGroup(_SHARED, small, digests[0] if len(digests) == 1 and not added else key))
    return groups


def _root(group: PackageGroup, lock: Lock, cache: Cache) -> Path:
    """The folder with a layer's files, which are verified."""
    if len(group.packages) == 1 and group.key == lock.only(*group.packages).digest:
        return verified(lock.only(*group.packages), cache)[group.packages[0]]
    trees = unpack_each(lock, cache)
    large = [name for name in sorted(trees) if name not in group.packages]
    owners = {_owner(source, trees) for source in _shared_files(trees, large).values()}
    trees |= verified(lock.only(*group.packages, *(name for name in owners if name)), cache)
    return link_verified(_shared_files(trees, large), group.key, cache)


def _shared_files(trees: Mapping[str, Path], large: Collection[str]) -> Overlay:
    """The files of the shared layer, which is on top of those of the large packages.

    They are the files of the small packages, and each file that differs between several packages, since the layers
    below do not depend on each other.
    """
    complete, small = overlay(trees), overlay({name: tree for name, tree in trees.items() if name not in large})
    below: dict[str, Path] = {}
    conflicting = set()
    for name in large:
        for path, source in overlay({name: trees[name]}).items():
            if source is not None and below.setdefault(path, source) != source and not _equal(below[path], source):
                conflicting.add(path)
    conflicting.update(path for path in below if complete[path] is None)
    return {path: complete[path] for path in sorted(small.keys() | conflicting)}


def _equal(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False) and one.stat().st_mode == other.stat().st_mode


def _owner(source: Path | None, trees: Mapping[str, Path]) -> str | None:
    return next((name for name, tree in trees.items() if source and source.is_relative_to(tree)), None)
