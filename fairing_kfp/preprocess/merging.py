"""Which file lies where when the folders of several distributions become one.

A file that several distributions bring is that of the last by name; its byte code is of the same one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairing_kfp.errors import DependencyError

Merged = Mapping[str, "Path | None"]
"""Files by their places; None for byte code that is empty, for which Python reads the source."""


def merge(trees: Mapping[str, Path]) -> dict[str, Path | None]:
    """The files of the folders of distributions, by their places.

    Raises:
        DependencyError: what is a file in one is a folder in another.
    """
    files = {name: set(_files(trees[name])) for name in sorted(trees)}
    owner = {path: name for name, paths in files.items() for path in paths}
    _check(owner)
    merged: dict[str, Path | None] = {}
    for path in sorted(owner):
        name = owner.get(_source(path), owner[path])
        # Not every source has byte code: then there must not be that of another.
        merged[path] = trees[name] / path if path in files[name] else None
    return merged


def size(tree: Path) -> int:
    """The bytes that a distribution's wheel brings: without byte code, which its target adds."""
    return sum((tree / path).stat().st_size for path in _files(tree) if not path.endswith(".pyc"))


def _files(tree: Path) -> Iterator[str]:
    root = str(tree)
    for folder, _, names in os.walk(root):
        inside = folder[len(root) + 1 :]
        prefix = f"{inside}/" if inside else ""
        yield from (f"{prefix}{name}" for name in names)


def _source(path: str) -> str:
    """The place of the module whose byte code lies at a place; another place is its own."""
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
            f"{owner[folder]} brings the file {folder}, which is a folder of {owner[inside[folder]]}",
            "leave one of them out: no folder can hold both",
        )
