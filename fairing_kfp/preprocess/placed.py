"""Files that a component places in its image: the option `files={"conf/a.yaml": "/etc/app/a.yaml"}`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.files import Selection
from fairing_kfp.preprocess.ignore import Pattern
from fairing_kfp.preprocess.places import CODE, ROOT
from fairing_kfp.preprocess.reading import read_files

WORKING = f"{CODE}/files"
"""The folder whose content the working folder of a step mirrors."""

_REFUSED = {
    "is mounted over when a container runs": ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf"),
    "is for the files of a running step": ("tmp", "var/tmp"),
    "is a symbolic link in most images, which the files would replace": (
        *("bin", "lib", "lib32", "lib64", "libx32", "sbin"),
        *("var/lock", "var/run"),
    ),
}
"""Folders of an image that are no places for files, and why."""


def placed(files: Mapping[str, str], folder: Path) -> tuple[File, ...]:
    """Reads the files that a component places in its image.

    Args:
        files: what lies where. A source is a file, a folder, whose content is placed, or a glob, whose finds keep
            their places below its first wildcard; relative ones begin at `folder`. A place is absolute in the image,
            or relative to the step's working folder; for a file it is the file's own, or ends with `/` and is the
            folder that receives it.
        folder: the component's.

    Raises:
        PackError: a source is missing, a place is not one for files, or two sources have the same.
        SecretError: a file looks like a credential.
    """
    sources: dict[PurePosixPath, Path] = {}
    named: dict[PurePosixPath, str] = {}
    for source, place in files.items():
        for path, file in _found(source, place, folder):
            _check(source, path)
            if path in sources:
                raise PackError(
                    f"files= places both {named[path]!r} and {source!r} at /{path}", "give one of them another place"
                )
            sources[path] = file
            named[path] = source
    clashes = sorted(parent for path in sources for parent in path.parents if parent in named)
    if clashes:
        raise PackError(
            f"files= makes /{clashes[0]} both a file ({named[clashes[0]]!r}) and a folder", "give it another place"
        )
    return read_files({str(path): file for path, file in sources.items()})


def _found(source: str, place: str, folder: Path) -> list[tuple[PurePosixPath, Path]]:
    """The places in the image of what a source finds, and the files."""
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
    # Within the component's folder, its ignore files hold; elsewhere those of the folder that is named.
    root = folder if start.is_relative_to(folder) else start
    if not root.is_dir():
        raise PackError(f"files= names {source!r}, but there is no folder {root}", "correct the name")
    prefix = start.relative_to(root).as_posix()
    found = Selection(root, (f"{prefix}/{rest}",)).files()
    if is_file and not place.endswith("/"):
        return [(below, file) for file in found.values()]
    return [(below / PurePosixPath(name).relative_to(prefix), file) for name, file in found.items()]


def _place(source: str, place: str) -> PurePosixPath:
    """Where something goes, relative to the root of the image.

    Raises:
        PackError: the place is none.
    """
    if not source or not place or ".." in place.split("/") or not place.isprintable():
        raise PackError(
            f"files= cannot place {source!r} at {place!r}",
            "name a source and an absolute path in the image, or one relative to the working folder, without '..'",
        )
    return PurePosixPath(place.lstrip("/")) if place.startswith("/") else PurePosixPath(WORKING, place)


def _check(source: str, place: PurePosixPath) -> None:
    """Refuses places of ours and of the system.

    Raises:
        PackError: it is one.
    """
    runtime = PurePosixPath(ROOT)
    if (place.is_relative_to(runtime) and WORKING not in map(str, place.parents)) or runtime.is_relative_to(place):
        raise PackError(
            f"files= places {source!r} at /{place}, where /{ROOT} holds what starts the step", "choose another place"
        )
    for why, folders in _REFUSED.items():
        for folder in folders:
            if place.is_relative_to(folder):
                raise PackError(f"files= places {source!r} at /{place}, but /{folder} {why}", "choose another place")
