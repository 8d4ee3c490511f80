"""A format of `packages=`: how it is recognized, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.errors import DependencyError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.bundle import Bundle

Packages = str | Sequence[str]
"""The value of `packages=`: requirements, a keyword, or the path of a file."""

PROJECT_FILES = ("pyproject.toml", "uv.lock")
"""The files of a project, which also apply to the folders below."""


@dataclass(frozen=True)
class PackageOptions:
    """The options of a component that a format reads.

    Attributes:
        packages: the value of `packages=`.
        bundle: the component's code.
        folder: the folder that relative paths start from.
        extras: optional dependencies of the project to include.
        groups: dependency groups of the project to include (PEP 735).
    """

    packages: Packages
    bundle: Bundle
    folder: Path
    extras: Sequence[str] = ()
    groups: Sequence[str] = ()

    @property
    def path(self) -> Path:
        """The file that `packages=` names; a project's is searched upward from the folder, as settings are.

        Raises:
            DependencyError: there is no such file.
        """
        path = self.folder / str(self.packages)
        if self.packages in PROJECT_FILES:
            above = (folder / self.packages for folder in (self.folder, *self.folder.absolute().parents))
            path = next((one for one in above if one.is_file()), path)
        if not path.is_file():
            raise DependencyError(
                f"{self.bundle.name}: packages={self.packages!r}: there is no file {path}",
                "give a path relative to the component's file, or a list of requirements",
            )
        return path

    def text(self) -> str:
        """The content of the file that `packages=` names.

        Raises:
            DependencyError: there is no such file, or it cannot be read.
        """
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DependencyError(f"cannot read {self.path}: {error}", "make it a readable UTF-8 file") from error


@dataclass(frozen=True)
class PackageFormat:
    """A format of `packages=`.

    Attributes:
        example: a value in this format, as shown in messages.
        matches: whether a value has this format.
        read: reads a component's options; `provided=` and `build=` are added by the caller.
        has_extras: whether `extras=` and `groups=` can be given.
    """

    example: str
    matches: Callable[[Packages], bool]
    read: Callable[[PackageOptions], Requirements]
    has_extras: bool = False


def file_name(packages: Packages) -> str:
    """The name of the file that `packages=` may refer to; empty for a list."""
    return PurePath(packages).name if isinstance(packages, str) else ""
