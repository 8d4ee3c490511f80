"""Unpacked wheels: a folder in the cache for each distribution, and folders that combine several of them."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.dependencies import target, uv, wheels
from fairing_kfp.dependencies.bytecode import compile_trees
from fairing_kfp.dependencies.compiled import wheels_only
from fairing_kfp.dependencies.indexes import uv_index_variable
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.overlay import Overlay, overlay
from fairing_kfp.errors import DependencyError
from fairing_kfp.layers.tree import archive_digest
from fairing_kfp.preprocess.image_paths import DEPENDENCIES

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

CONTENT = "unpacked"
"""Kind of the records of the content of unpacked wheels, by the digest of their lock."""

# Copies: with links we would write into uv's own cache.
_COPY = ("--link-mode", "copy", "--no-compile-bytecode")
_SHOWN = 5  # packages in a message
_INSTALL = ("-r", "-", "--no-deps", "--require-hashes", *_COPY)


def unpack(lock: Lock, cache: Cache) -> Path:
    """The folder of all locked wheels, made once; it can be used as a site directory (`site.addsitedir`).

    It is identical byte for byte on every machine, and must not be modified: a Python that runs on it has to write its
    byte code elsewhere.

    Raises:
        DependencyError: wheels cannot be fetched, differ from the lock or conflict, or the disk is full.
        CacheError: the cache cannot be written.
    """
    trees = unpack_each(lock, cache)
    return next(iter(trees.values())) if len(trees) == 1 else link(lambda: overlay(trees), lock.digest, cache)


def unpack_each(lock: Lock, cache: Cache) -> dict[str, Path]:
    """The folders of the locked wheels, by distribution name; missing ones are installed together.

    Raises:
        DependencyError: wheels cannot be fetched or differ from the lock, or the disk is full.
        CacheError: the cache cannot be written.
    """
    single = {name: lock.only(name) for name in lock.pins}
    missing = [name for name, one in single.items() if not (cache.root / "trees" / _folder(one.digest)).is_dir()]
    if missing:
        pins = lock.only(*missing).requirements
        more = f" and {len(pins) - _SHOWN} more" if len(pins) > _SHOWN else ""
        cache.on_miss(f"fetching {', '.join(pins[:_SHOWN])}{more}")
    with contextlib.ExitStack() as stack:  # a read-only cache may contain all of them
        parts = _installed(lock.only(*missing), stack.enter_context(cache.scratch())) if missing else {}

        def make(name: str, scratch: Path) -> Path:  # an existing folder is made again if it was modified
            one = single[name]
            part = parts.get(name) or _installed(one, scratch)[name]
            known = cache.record(CONTENT, one.digest)
            if known and known != content_digest(part):  # uv's cache was changed together with its records
                part = _installed(one, scratch / "again", "--no-cache")[name]
            cache.put_record(CONTENT, one.digest, content_digest(part))
            return part

        return {
            name: cache.folder("trees", _folder(one.digest), functools.partial(make, name))
            for name, one in single.items()
        }


def link(files: Callable[[], Overlay], digest: str, cache: Cache) -> Path:
    """The folder of an overlay, as hard links into the distributions' folders; made once.

    Args:
        files: the overlay, which is asked for if the folder does not exist yet.
        digest: the digest of its content.
        cache: the cache that stores the folder.

    Raises:
        CacheError: the cache cannot be written.
    """
    return cache.folder("trees", _folder(digest), lambda scratch: _link(files(), scratch / "tree"))


def minimum_libc(lock: Lock, cache: Cache) -> str:
    """The oldest C library that all locked wheels support, as in wheel names; empty if they are pure Python.

    Raises:
        DependencyError: wheels cannot be fetched or differ from the lock, or the disk is full.
        CacheError: the cache cannot be written.
    """
    known = cache.record("libc", lock.digest)
    if known is None:
        known = target.minimum_libc(unpack_each(lock, cache).values())
        cache.put_record("libc", lock.digest, known)
    return str(known)


def _folder(digest: str) -> str:
    return digest.removeprefix("sha256:")


def content_digest(tree: Path) -> str:
    """The digest of an unpacked wheel, as an image would contain it."""
    return archive_digest(tree, DEPENDENCIES)


def _installed(lock: Lock, scratch: Path, *options: str) -> Mapping[str, Path]:
    """Installs wheels with a single run of uv, and splits them into normalized folders by distribution name."""
    shared, folder = scratch / "whole", scratch / "parts"
    _install(lock, shared, *options)
    wheels.split(shared, folder)
    unlisted = wheels.folders_of_unlisted(shared)
    parts = {name: folder / name for name in lock.pins}
    for name, part in parts.items():
        doubtful = any(part.joinpath(one).is_dir() for one in unlisted)
        # Installed alone, no other wheel overwrites its files; without its cache, uv reads the wheel again.
        for again in ((), ("--no-cache",)):
            if doubtful or wheels.modified_files(part):
                doubtful = doubtful and not again
                _install_alone(lock.only(name), name, part, scratch / "alone", *again)
        modified = wheels.modified_files(part)
        wheels.normalize(part, [*modified, *wheels.remove_generator(part, lock.built)])
    if lock.target.is_compiled_here:
        compile_trees(parts.values(), DEPENDENCIES)
    return parts


def _install_alone(lock: Lock, name: str, part: Path, scratch: Path, *options: str) -> None:
    """Replaces the folder of a distribution by another installation of it.

    Raises:
        DependencyError: its wheel cannot be fetched again.
    """
    try:
        _install(lock, scratch / "whole", *options)
    except DependencyError as error:
        raise DependencyError(
            f"uv's cache has changed files of {lock.requirements[0]}, and its wheel cannot be fetched again: "
            f"{error.message}",
            f"run uv cache clean {name} while its index can be reached",
        ) from error
    shutil.rmtree(part)
    wheels.split(scratch / "whole", scratch / "parts")
    (scratch / "parts" / name).rename(part)
    shutil.rmtree(scratch)


def _install(lock: Lock, folder: Path, *options: str) -> None:
    folder.mkdir(parents=True)
    options = (*_INSTALL, *wheels_only(lock.built), *options, "--target", str(folder), *lock.target.uv_options)
    for place in sorted({str(Path(wheel).parent) for wheel in lock.wheels}):  # hashes decide which files are accepted
        options += ("--find-links", place)
    from_sources = lock.pins.keys() & {source.package for source in lock.sources}
    if others := lock.only(*(lock.pins.keys() - from_sources)).text:
        uv.run_pip("install", options, others, str(lock.target))
    if from_sources:
        # Hashes decide which files are accepted, so other indexes that have these packages are harmless.
        options += ("--index-strategy", "unsafe-best-match")
        indexes = uv_index_variable(lock.sources, os.environ.get("UV_INDEX", ""))
        uv.run_pip("install", options, lock.only(*from_sources).text, str(lock.target), UV_INDEX=indexes)


def _link(files: Overlay, root: Path) -> Path:
    root.mkdir()
    folders = {root}
    for path, source in files.items():
        destination = root / path
        if destination.parent not in folders:
            destination.parent.mkdir(parents=True, exist_ok=True)
            folders.update(destination.parents[: len(destination.relative_to(root).parts) - 1])
        if source is None:
            destination.touch()
            destination.chmod(0o644)
            continue
        try:
            os.link(source, destination)
        except OSError:  # hard links may be unsupported, or limited in number
            shutil.copy2(source, destination)
    for folder in folders:
        folder.chmod(0o755)
    return root
