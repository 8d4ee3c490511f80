"""Files on the author's machine → files of an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import File


def read_files(files: Mapping[str, Path], below: str = "") -> tuple[File, ...]:
    """Reads files into memory, in order of their paths in the image.

    Args:
        files: the files to read, by their paths relative to `below`.
        below: a folder of the image, relative to the image's root.

    Raises:
        PackError: a file is missing, cannot be read, or changes meanwhile.
    """
    return tuple(_read(path, str(PurePosixPath(below, place))) for place, path in sorted(files.items()))


def _read(path: Path, place: str) -> File:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise PackError(
            f"cannot read {path}: {error.strerror or error}", "make it readable, or leave it out"
        ) from error
    if len(data) != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise PackError(f"{path} changed while it was read", "run the command again")
    return File(place, data, 0o755 if before.st_mode & stat.S_IXUSR else 0o644)
