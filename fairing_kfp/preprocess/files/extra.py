"""Extra files of a component at paths in its image: the option `files={"conf/a.yaml": "/etc/app/a.yaml"}`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.files.ignore import Pattern
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.files.selection import Selection
from fairing_kfp.preprocess.image_paths import ROOT, WORKING

_RESERVED = {
    "is mounted by the container runtime": ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf"),
    "is for temporary files": ("tmp", "var/tmp"),
    "is a symbolic link in most images, which a file would replace": (
        *("bin", "lib", "lib32", "lib64", "libx32", "sbin"),
        *("var/lock", "var/run"),
    ),
}
"""Paths of an image that cannot contain extra files, by the reason."""


def extra_files(files: Mapping[str, str], folder: Path) -> tuple[File, ...]:
    """Reads the files of the option `files=`.

    Args:
        files: paths in the image by sources. A source is a file, a folder or a glob, absolute or relative to `folder`.
            A path in the image is absolute, or relative to the step's working folder. A file gets that path, or is put
            into it if the path ends with `/`. The contents of a folder, and the matches of a glob (their paths from
            its first wildcard on), are put below it.
        folder: the component's folder.

    Raises:
        PackError: a source is missing, a path in the image is reserved, or two sources have the same path.
    """
    sources: dict[PurePosixPath, Path] = {}
    named: dict[PurePosixPath, str] = {}
    for source, place in files.items():
        for path, file in _found(source, place, folder):
            _check(source, path)
            if path in sources:
                raise PackError(
                    f"files= puts both {named[path]!r} and {source!r} at /{path}", "choose another path for one of them"
                )
            sources[path] = file
            named[path] = source
    clashes = sorted(parent for path in sources for parent in path.parents if parent in named)
    if clashes:
        raise PackError(
            f"files= makes /{clashes[0]} both a file ({named[clashes[0]]!r}) and a folder", "choose another path"
        )
    return read_files({str(path): file for path, file in sources.items()})


def _found(source: str, place: str, folder: Path) -> list[tuple[PurePosixPath, Path]]:
    """The files of a source, with their paths in the image."""
    below = _place(source, place)
    path = Path(os.path.normpath(folder / source))
    is_file = False
    if path.is_dir():
        start, rest = path, "."
    elif os.path.lexists(path) or not Pattern(source).is_wild():
        start, rest, is_file = path.parent, path.name, True
    else:
        fixed = Pattern(source).start.rpartition("/")[0]
        start, rest = Path(os.path.normpath(folder / fixed)), source[len(fixed) :].lstrip("/")
    # The ignore files of the component's folder apply in it; elsewhere, those of the source's folder.
    root = folder if start.is_relative_to(folder) else start
    if not root.is_dir():
        raise PackError(f"files= contains {source!r}, but there is no folder {root}", "correct the path")
    prefix = start.relative_to(root).as_posix()
    found = Selection(root, (f"{prefix}/{rest}",)).files()
    if is_file and not place.endswith("/"):
        return [(below, file) for file in found.values()]
    return [(below / PurePosixPath(name).relative_to(prefix), file) for name, file in found.items()]


def _place(source: str, place: str) -> PurePosixPath:
    """The path in the image, relative to its root.

    Raises:
        PackError: the path is malformed.
    """
    if not source or not place or ".." in place.split("/") or not place.isprintable():
        raise PackError(
            f"files= cannot put {source!r} at {place!r}",
            "use an absolute path in the image, or one relative to the working folder, without '..'",
        )
    return PurePosixPath(place.lstrip("/")) if place.startswith("/") else PurePosixPath(WORKING, place)


def _check(source: str, place: PurePosixPath) -> None:
    """Rejects reserved paths.

    Raises:
        PackError: the path belongs to fairing-kfp or to the system.
    """
    runtime = PurePosixPath(ROOT)
    if (place.is_relative_to(runtime) and WORKING not in map(str, place.parents)) or runtime.is_relative_to(place):
        raise PackError(
            f"files= puts {source!r} at /{place}, but /{ROOT} is reserved for fairing-kfp", "choose another path"
        )
    for why, folders in _RESERVED.items():
        for folder in folders:
            if place.is_relative_to(folder):
                raise PackError(f"files= puts {source!r} at /{place}, but /{folder} {why}", "choose another path")
