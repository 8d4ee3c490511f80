"""The layers of a step's packages: what is large has one of its own, the rest shares one.

So a change of one package sends that one, or the small rest, and a node pulls the large ones side by side. Lying upon
each other they give what all of them would in one folder.
"""

from __future__ import annotations

import filecmp
import functools
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.image.layer import Compression, Layer
from fairing_kfp.preprocess import libc
from fairing_kfp.preprocess.merging import Merged, merge, size
from fairing_kfp.preprocess.places import DEPENDENCIES
from fairing_kfp.preprocess.trees import distributions, linked

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.preprocess.lock import Lock

MOST = 16
"""The number of packages that have a layer of their own, at most: engines take 127 layers, and the base has some.

Of torch with transformers, 67 packages of 3.1 GB, the change of any one then sends 89 MB on average, instead of all.
"""

LARGE = 5_000_000
"""The bytes from which on a package has one, unpacked: below, it would save less time than its requests take."""

_GROUPS = "groups"
_REST = "dependencies"


@dataclass(frozen=True)
class Group:
    """What one layer holds.

    Attributes:
        name: the layer's.
        holds: distributions, by their names.
        key: stands for the content.
    """

    name: str
    holds: tuple[str, ...]
    key: str


def dependency_layers(lock: Lock, cache: Cache, compression: Compression) -> dict[Layer, tuple[str, ...]]:
    """The layers of locked packages, the lowest first, and the distributions that each holds, as `name==version`.

    The largest is the lowest: a node that has the layers below a changed one need not unpack them again.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, contradict each other, or find no room on the
            disk.
        CacheError: the cache cannot be written.
    """
    known = cache.record(_GROUPS, f"{MOST} {LARGE} {lock.digest}")
    if known is None:
        groups = _groups(lock, distributions(lock, cache))
        known = [asdict(group) for group in groups]
        cache.put_record(_GROUPS, f"{MOST} {LARGE} {lock.digest}", known)
    pins = lock.pins

    def layer(group: Group) -> Layer:
        root = functools.partial(_root, group, lock, cache)
        return Layer.of_tree(group.name, root, DEPENDENCIES, cache, f"{DEPENDENCIES} {group.key}", compression)

    found = [Group(one["name"], tuple(one["holds"]), one["key"]) for one in known]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:  # compressors do not hold Python's lock
        layers = list(pool.map(layer, found))
    return {
        one: tuple(f"{name}=={pins[name].version}" for name in of.holds) for one, of in zip(layers, found, strict=True)
    }


def needed_libc(lock: Lock, cache: Cache) -> str:
    """The C library that locked packages need, as in the names of wheels; empty where they are pure.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, or find no room on the disk.
        CacheError: the cache cannot be written.
    """
    known = cache.record("libc", lock.digest)
    if known is None:
        known = libc.needed(distributions(lock, cache).values())
        cache.put_record("libc", lock.digest, known)
    return str(known)


def _groups(lock: Lock, trees: Mapping[str, Path]) -> list[Group]:
    sizes = {name: size(tree) for name, tree in trees.items()}
    by_size = sorted(sizes, key=lambda name: (-sizes[name], name))
    alone = tuple(name for name in by_size if sizes[name] >= LARGE)[:MOST]
    groups = [Group(f"{name}=={lock.pins[name].version}", (name,), lock.only(name).digest) for name in alone]
    rest = tuple(sorted(trees.keys() - set(alone)))
    files = _rest(trees, alone)
    own = merge({name: trees[name] for name in rest})
    foreign = {path: _owner(source, trees) for path, source in files.items() if own.get(path, "") != source}
    if files:
        parts = [lock.only(name).digest for name in rest]
        text = json.dumps([parts, {path: name and lock.only(name).digest for path, name in foreign.items()}])
        key = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        groups.append(Group(_REST, rest, parts[0] if len(parts) == 1 and not foreign else key))
    return groups


def _root(group: Group, lock: Lock, cache: Cache) -> Path:
    """The folder of what a layer holds."""
    if len(group.holds) == 1 and group.key == lock.only(*group.holds).digest:
        return distributions(lock.only(*group.holds), cache)[group.holds[0]]
    trees = distributions(lock, cache)
    alone = [name for name in sorted(trees) if name not in group.holds]
    return linked(_rest(trees, alone), group.key, cache)


def _rest(trees: Mapping[str, Path], alone: Collection[str]) -> Merged:
    """The files of the layer upon those of single distributions.

    That are those of all others; and of what differs between several distributions the one that is to be seen, as the
    layers below do not depend on each other.
    """
    whole, own = merge(trees), merge({name: tree for name, tree in trees.items() if name not in alone})
    below: dict[str, Path] = {}
    contested = set()
    for name in alone:
        for path, source in merge({name: trees[name]}).items():
            if source is not None and below.setdefault(path, source) != source and not _same(below[path], source):
                contested.add(path)
    contested.update(path for path in below if whole[path] is None)
    return {path: whole[path] for path in sorted(own.keys() | contested)}


def _same(one: Path, other: Path) -> bool:
    return filecmp.cmp(one, other, shallow=False) and one.stat().st_mode == other.stat().st_mode


def _owner(source: Path | None, trees: Mapping[str, Path]) -> str | None:
    return next((name for name, tree in trees.items() if source and source.is_relative_to(tree)), None)
