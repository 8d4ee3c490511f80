"""The files of a folder that may use Fairing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from fairing_kfp.errors import MigrationError, PackError
from fairing_kfp.preprocess.files.default_ignores import is_environment, is_ignored
from fairing_kfp.preprocess.files.ignore import Ignore

SUFFIXES = (".py", ".ipynb")
IGNORE_FILE = ".fairingignore"


def files_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The Python files and notebooks among paths, and in those that are folders, in order and each once.

    In folders, what images leave out is left out: version control, environments, caches, and what the folder's
    `.fairingignore` names. Symbolic links are not followed there, since their targets are edited where they are. A link
    that is named is followed.

    Raises:
        MigrationError: a path does not exist, is neither Python nor a notebook, or a folder cannot be read.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            for file in _walk(path, "", _ignored(path)):
                found.setdefault(file.resolve(), file)
        elif not path.exists():
            raise MigrationError(f"{path} does not exist", "name Python files, notebooks or folders that exist")
        elif path.suffix not in SUFFIXES:
            raise MigrationError(
                f"{path} is neither a .py nor an .ipynb file", "name Python files, notebooks or folders"
            )
        else:
            found.setdefault(path.resolve(), path)
    return tuple(found.values())


def _walk(folder: Path, place: str, ignore: Ignore) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise MigrationError(
            f"cannot read the folder {folder}: {error.strerror}", f"make it readable, or add it to {IGNORE_FILE}"
        ) from error
    if place and is_environment(entry.name for entry in listed):
        return
    for entry in listed:
        path = f"{place}/{entry.name}" if place else entry.name
        if entry.is_symlink() or is_ignored(entry.name):
            continue
        if entry.is_dir():
            if not ignore.ignores(path) or ignore.has_exceptions_below(path):
                yield from _walk(folder / entry.name, path, ignore)
        elif entry.name.endswith(SUFFIXES) and entry.is_file() and not ignore.ignores(path):
            yield folder / entry.name


def _ignored(folder: Path) -> Ignore:
    path = folder / IGNORE_FILE
    try:
        return Ignore.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Ignore()
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"cannot read {path}: {error}", "make it a readable UTF-8 file") from error
    except PackError as error:
        raise MigrationError(f"{path}: {error.message}", error.remedy) from None
