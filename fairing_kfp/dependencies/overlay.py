"""Overlays: the unpacked trees of several distributions as one folder.

Of a file that several distributions contain, the last distribution's by name is used, with its byte code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairing_kfp.errors import DependencyError

Overlay = Mapping[str, "Path | None"]
"""Files by their paths in the folder; None for byte code that is replaced by an empty file, so that Python reads the
source."""


def overlay(trees: Mapping[str, Path]) -> dict[str, Path | None]:
    """Overlays the trees of distributions.

    Args:
        trees: the trees by distribution name.

    Raises:
        DependencyError: a file of one distribution is a folder of another.
    """
    files = {name: set(_files(trees[name])) for name in sorted(trees)}
    owner = {path: name for name, paths in files.items() for path in paths}
    _check(owner)
    merged: dict[str, Path | None] = {}
    for path in sorted(owner):
        name = owner.get(_source(path), owner[path])
        # A source without byte code must not get that of another distribution.
        merged[path] = trees[name] / path if path in files[name] else None
    return merged


def size(tree: Path) -> int:
    """The size of a distribution's files in bytes, without byte code, which only some targets have."""
    return sum((tree / path).stat().st_size for path in _files(tree) if not path.endswith(".pyc"))


def _files(tree: Path) -> Iterator[str]:
    root = str(tree)
    for folder, _, names in os.walk(root):
        inside = folder[len(root) + 1 :]
        prefix = f"{inside}/" if inside else ""
        yield from (f"{prefix}{name}" for name in names)


def _source(path: str) -> str:
    """The path of the module that a byte code file belongs to; any other path unchanged."""
    folder, _, name = path.rpartition("/")
    if not name.endswith(".pyc") or not f"/{folder}".endswith("/__pycache__"):
        return path
    return f"{folder.removesuffix('__pycache__')}{name.partition('.')[0]}.py"


def _check(owner: Mapping[str, str]) -> None:
    inside = {path.rpartition("/")[0]: path for path in owner}
    for folder, path in list(inside.items()):
        while folder := folder.rpartition("/")[0]:
            inside.setdefault(folder, path)
    for folder in sorted(inside.keys() & owner.keys()):
        raise DependencyError(
            f"{owner[folder]} has a file {folder}, which is a folder in {owner[inside[folder]]}",
            "remove one of them: they cannot be installed together",
        )
