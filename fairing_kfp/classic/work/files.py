"""`input_files` and `output_map` of Fairing → files of an image, and its packages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.errors import ConfigError
from fairing_kfp.preprocess.files.ignore import Pattern

REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True)
class Files:
    """Files of an image.

    Attributes:
        include: files, folders and globs below the root, relative to it.
        others: other files, folders and globs, with their places in the image, see `files` of `ImageOptions`.
        requirements: the file of requirements to install; None if there is none.
    """

    include: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    requirements: Path | None = None

    @classmethod
    def of(cls, input_files: Iterable[str], output_map: Mapping[str, str], prefix: str, root: Path | None) -> Files:
        """Sorts the files.

        Args:
            input_files: files, folders and globs, absolute or relative to the current folder.
            output_map: places in the image by file.
            prefix: Fairing's folder in the image; places below it are relative to the working folder.
            root: folder that the working folder mirrors; None if all files are placed one by one.

        Raises:
            ConfigError: a file does not exist.
        """
        here = Path.cwd()
        include: list[str] = []
        others: dict[str, str] = {}
        requirements: Path | None = None
        for given in input_files:
            path = Path(os.path.normpath(here / given))
            _check(given, path)
            if path.name == REQUIREMENTS:
                requirements = path
            if root is not None and path.is_relative_to(root):
                include.append(path.relative_to(root).as_posix())
            else:
                others[str(path)] = _place(path, here)
        for source, place in output_map.items():
            path = Path(os.path.normpath(here / source))
            _check(source, path)
            if path.name == REQUIREMENTS:
                requirements = path
            others[str(path)] = relative_to_prefix(place, prefix)
        return cls(tuple(include), others, requirements)


def relative_to_prefix(place: str, prefix: str) -> str:
    """A place in the image; relative to the working folder if it is below Fairing's folder."""
    folder = prefix.rstrip("/") + "/"
    return place[len(folder) :] or "." if place.startswith(folder) else place


def _place(path: Path, here: Path) -> str:
    """The place of a file, folder or glob outside the root: its path relative to the current folder, or its name."""
    if Pattern(str(path)).is_wild() and not path.exists():
        return "."
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _check(given: str, path: Path) -> None:
    if not path.exists() and not Pattern(str(path)).is_wild():
        raise ConfigError(
            f"the file {given!r} of input_files or output_map does not exist", f"give its path relative to {Path.cwd()}"
        )
