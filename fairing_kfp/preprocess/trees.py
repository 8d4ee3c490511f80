"""Locked wheels as folders in the cache: each distribution has one of its own, and others are made of several."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.preprocess import uv_command, wheels
from fairing_kfp.preprocess.bytecode import compile_trees
from fairing_kfp.preprocess.indexes import as_variable
from fairing_kfp.preprocess.lock import Lock
from fairing_kfp.preprocess.merging import Merged, merge
from fairing_kfp.preprocess.places import DEPENDENCIES
from fairing_kfp.preprocess.resolving import wheels_only

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

# Copies, as links would have us write into uv's own cache.
_UNLINKED = ("--link-mode", "copy", "--no-compile-bytecode")
_INSTALL = ("-r", "-", "--no-deps", "--require-hashes", *_UNLINKED)


def unpack(lock: Lock, cache: Cache) -> Path:
    """The folder of all the locked wheels, made once; it works as a site directory (`site.addsitedir`).

    It is the same, byte for byte, whoever made it and where, and must not be changed: a Python that runs on it must
    keep its byte code elsewhere.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, contradict each other, or find no room on the
            disk.
        CacheError: the cache cannot be written.
    """
    trees = distributions(lock, cache)
    return next(iter(trees.values())) if len(trees) == 1 else linked(merge(trees), lock.digest, cache)


def distributions(lock: Lock, cache: Cache) -> dict[str, Path]:
    """The folders of the locked wheels by the names of their distributions; those that are missing are made at once.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock, or find no room on the disk.
        CacheError: the cache cannot be written.
    """
    single = {name: lock.only(name) for name in lock.pins}
    missing = [name for name, one in single.items() if not (cache.root / "trees" / _folder(one.digest)).is_dir()]
    with contextlib.ExitStack() as stack:  # a cache that can only be read may hold all of them
        parts = _made(lock.only(*missing), stack.enter_context(cache.scratch())) if missing else {}

        def make(name: str, own: Path) -> Path:  # one that is there is made again if it was changed
            return parts.get(name) or _made(single[name], own)[name]

        return {
            name: cache.folder("trees", _folder(one.digest), lambda own, name=name: make(name, own))  # type: ignore[misc]
            for name, one in single.items()
        }


def linked(merged: Merged, digest: str, cache: Cache) -> Path:
    """The folder of what several distributions bring, as hard links into theirs; made once.

    Args:
        merged: its files.
        digest: stands for its content.
        cache: where it is kept.

    Raises:
        CacheError: the cache cannot be written.
    """
    return cache.folder("trees", _folder(digest), lambda scratch: _link(merged, scratch / "tree"))


def _folder(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _made(lock: Lock, scratch: Path) -> Mapping[str, Path]:
    """Installs wheels with one start of the installer, and brings each into its folder and form."""
    whole, folder = scratch / "whole", scratch / "parts"
    _install(lock, whole)
    wheels.split(whole, folder)
    parts = {name: folder / name for name in lock.pins}
    for name, part in parts.items():
        # Alone no other wheel overwrites its files; and without its cache uv reads the wheel itself.
        for options in ((), ("--no-cache",)):
            if wheels.astray(part):
                shutil.rmtree(part)
                _install(lock.only(name), part, *options)
        astray = wheels.astray(part)
        wheels.normalise(part, [*astray, *wheels.unsigned(part, lock.built)])
    if lock.target.is_compiled_here:
        compile_trees(parts.values(), DEPENDENCIES)
    return parts


def _install(lock: Lock, folder: Path, *options: str) -> None:
    folder.mkdir(parents=True)
    options = (*_INSTALL, *wheels_only(lock.built), *options, "--target", str(folder), *lock.target.uv_options)
    indexed = lock.pins.keys() & {source.package for source in lock.sources}
    if others := lock.only(*(lock.pins.keys() - indexed)).text:
        uv_command.run("install", options, others, str(lock.target))
    if indexed:
        # Hashes decide what is taken, so that it does not matter which other index knows these packages.
        options += ("--index-strategy", "unsafe-best-match")
        indexes = as_variable(lock.sources, os.environ.get("UV_INDEX", ""))
        uv_command.run("install", options, lock.only(*indexed).text, str(lock.target), UV_INDEX=indexes)


def _link(merged: Merged, root: Path) -> Path:
    root.mkdir()
    folders = {root}
    for path, source in merged.items():
        place = root / path
        if place.parent not in folders:
            place.parent.mkdir(parents=True, exist_ok=True)
            folders.update(place.parents[: len(place.relative_to(root).parts) - 1])
        if source is None:
            place.touch()
            place.chmod(0o644)
            continue
        try:
            os.link(source, place)
        except OSError:  # not every file system has hard links, nor any number of them
            shutil.copy2(source, place)
    for folder in folders:
        folder.chmod(0o755)
    return root
