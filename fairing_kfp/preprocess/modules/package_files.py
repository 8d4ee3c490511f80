"""The files of a package of `modules=`: all files of its folder that nothing leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.files.ignore import Ignore
from fairing_kfp.preprocess.files.selection import ignored_in
from fairing_kfp.preprocess.secrets.file_names import is_file_name

_EXCLUDED_FOLDERS = {"__pycache__", "node_modules"}
_REMEDY = "remove it, or add it to .fairingignore"


def package_files(package: Path, folder: Path) -> dict[str, Path]:
    """The files of a package by their paths below it. Links to files and folders are followed.

    Args:
        package: the package's folder.
        folder: the component's folder, whose ignore files apply to packages below it; other packages have their own.

    Raises:
        PackError: a link is broken, or leads to a folder above it or outside these folders; or an ignore file is
            malformed.
    """
    package, folder = package.resolve(), folder.resolve()
    root = folder if package.is_relative_to(folder) else package
    found = _files(package, package.relative_to(root), (root, package), ignored_in(root))
    below = {path.relative_to(package): path for path in found}
    return {
        place.as_posix(): path
        for place, path in below.items()
        if path.suffix == ".py" or not any(map(is_file_name, place.parts))
    }


def _files(folder: Path, place: Path, above: tuple[Path, ...], ignore: Ignore) -> Iterator[Path]:
    """The files below a folder.

    Args:
        folder: the folder.
        place: its path in the ignore files.
        above: the real paths of the root, and of the folders from the package to this one.
        ignore: the patterns of the ignore files.
    """
    for path in sorted(folder.iterdir()):
        inner = place / path.name
        if path.name.startswith(".") or path.name in _EXCLUDED_FOLDERS:
            continue
        if path.is_dir():
            real = path.resolve() if path.is_symlink() else above[-1] / path.name
            if path.is_symlink() and not _may_follow(path, real, above, ignore.ignores(inner.as_posix())):
                continue
            yield from _files(path, inner, (*above, real), ignore)
        elif path.suffix != ".pyc" and not ignore.ignores(inner.as_posix()):
            if path.is_symlink() and not path.exists():
                raise PackError(f"the symbolic link {path} is broken", _REMEDY)
            if path.is_file():
                yield path


def _may_follow(link: Path, target: Path, above: tuple[Path, ...], ignored: bool) -> bool:
    """Whether a link to a folder can be followed. Ignored ones that cannot are left out, others refused."""
    root, *folders = above
    if target.is_relative_to(root) and not any(folder.is_relative_to(target) for folder in folders):
        return True
    if ignored:
        return False
    why = "up" if target.is_relative_to(root) else f"out of {root}"
    raise PackError(
        f"the symbolic link {link} leads {why} to {target}", "replace it by a copy, or add it to .fairingignore"
    )
