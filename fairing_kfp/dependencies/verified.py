"""Unpacked wheels whose files are compared with what was unpacked, before they get into an image."""

from __future__ import annotations

import filecmp
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.dependencies.overlay import Overlay, overlay
from fairing_kfp.dependencies.unpacked import CONTENT, content_digest, link, unpack_each
from fairing_kfp.errors import DependencyError

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock import Lock

_REMEDY = "end the processes that use it, and run fairing-kfp cache prune --all"


def unpack_verified(lock: Lock, cache: Cache) -> Path:
    """The folder of all locked wheels, as `unpack` makes it; every file is verified.

    Raises:
        DependencyError: wheels cannot be fetched or differ from the lock, or somebody changes the cache.
        CacheError: the cache cannot be written.
    """
    trees = verified(lock, cache)
    return next(iter(trees.values())) if len(trees) == 1 else link_verified(overlay(trees), lock.digest, cache)


def verified(lock: Lock, cache: Cache) -> dict[str, Path]:
    """The folders of the locked wheels, by distribution name. A folder that was changed is made again.

    All files are read, so this is for folders that are packed, not for layers that are in the cache.

    Raises:
        DependencyError: wheels cannot be fetched or differ from the lock, or somebody changes the cache.
        CacheError: the cache cannot be written.
    """
    trees = unpack_each(lock, cache)
    changed = [name for name, tree in trees.items() if not _is_as_unpacked(tree, lock.only(name), cache)]
    for name in changed:
        cache.forget("trees", trees[name].name)
    if changed:
        trees |= unpack_each(lock.only(*changed), cache)
    for name in changed:
        if not _is_as_unpacked(trees[name], lock.only(name), cache):
            raise DependencyError(
                f"the unpacked files of {lock.only(name).requirements[0]} in {trees[name]} were changed",
                _REMEDY,
            )
    return trees


def link_verified(files: Overlay, digest: str, cache: Cache) -> Path:
    """The folder of an overlay of verified folders, as `link` makes it.

    Raises:
        DependencyError: somebody changes the cache.
        CacheError: the cache cannot be written.
    """
    root = link(lambda: files, digest, cache)
    if not _is_linked(root, files):
        cache.forget("trees", root.name)
        root = link(lambda: files, digest, cache)
        if not _is_linked(root, files):
            raise DependencyError(f"the combined files of packages in {root} were changed", _REMEDY)
    return root


def kept(make: Callable[[], Path]) -> Callable[[], Path]:
    """Makes a folder on the first call, and again if it is gone: packing asks for it more than once."""
    made: list[Path] = []

    def root() -> Path:
        if not made or not made[-1].is_dir():
            made.append(make())
        return made[-1]

    return root


def _is_as_unpacked(tree: Path, lock: Lock, cache: Cache) -> bool:
    return cache.record(CONTENT, lock.digest) == content_digest(tree)


def _is_linked(root: Path, files: Overlay) -> bool:
    """Whether a folder contains the files of an overlay, and no others."""
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}
    return found == set(files) and all(_is_equal(root / path, source) for path, source in files.items())


def _is_equal(path: Path, source: Path | None) -> bool:
    if path.is_symlink() or source is None:
        return not path.is_symlink() and path.stat().st_size == 0
    return path.samefile(source) or filecmp.cmp(path, source, shallow=False)
