"""Migrating files and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairing_kfp.atomic_file import replace_atomic
from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.file import MigratedFile, migrate_file
from fairing_kfp.migration.walk import files_of


@dataclass(frozen=True)
class Migration:
    """What was found in files.

    Attributes:
        read: the number of files that were read.
        files: those that use Fairing.
        failures: the errors of files that cannot be migrated; these are unchanged.
    """

    read: int
    files: tuple[MigratedFile, ...]
    failures: tuple[MigrationError, ...]

    @property
    def changed(self) -> tuple[MigratedFile, ...]:
        """The files whose content changes."""
        return tuple(file for file in self.files if file.changed)


def migrate(paths: Iterable[str | os.PathLike[str]], *, write: bool = False) -> Migration:
    """Rewrites imports of Kubeflow Fairing to imports of `fairing_kfp.classic`, in scripts and notebooks.

    Only names in imports change, so formatting, comments, and the outputs of notebooks stay as they are.

    Args:
        paths: Python files, notebooks, and folders, in which files that images leave out by default or by
            `.fairingignore` are left out.
        write: whether to write the files; each is replaced as a whole.

    Raises:
        MigrationError: a path does not exist, is neither Python nor a notebook, or a folder cannot be read.
    """
    roots = [Path(path) for path in paths]
    read = files_of(roots)
    files: list[MigratedFile] = []
    failures: list[MigrationError] = []
    for path in read:
        try:
            file = migrate_file(path, has_old=not _is_own(path, roots))
            if write and file.changed:
                _write(file)
        except MigrationError as error:
            failures.append(error)
        else:
            if file.changed or file.calls or file.notes:
                files.append(file)
    return Migration(len(read), tuple(files), tuple(failures))


def _write(file: MigratedFile) -> None:
    try:
        replace_atomic(file.path, file.content)
    except OSError as error:
        raise MigrationError(f"cannot write {file.path}: {error.strerror}", "make its folder writable") from error


def _is_own(path: Path, roots: Iterable[Path]) -> bool:
    """Whether `import fairing` finds a module of the user's: next to the file, or in a folder above it that is read."""
    tops = {root.resolve() for root in roots if root.is_dir()}
    folder = path.resolve().parent
    above = [folder, *folder.parents]
    reach = max((above.index(top) for top in tops if top in above), default=0)
    return any((one / "fairing.py").exists() or (one / "fairing/__init__.py").exists() for one in above[: reach + 1])
