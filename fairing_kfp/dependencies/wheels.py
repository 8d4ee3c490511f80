"""Installed wheels: each in its own folder, with content that depends on the wheel only.

Installers add paths of this machine's Python to scripts, metadata about the installation, modes that depend on the
umask, byte code, and records in any order; of a file in several distributions, the one installed last remains.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from fairing_kfp.errors import DependencyError

_CHUNK = 1 << 20
_INSTALLER_FILES = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
_UNRECORDED = re.compile(
    rf"\.dist-info/(?:RECORD(?:\.jws|\.p7s)?|{'|'.join(map(re.escape, _INSTALLER_FILES))})$|\.pyc$"
)
"""Files whose digest no record has to contain."""
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_SHEBANG = b"#!/usr/bin/env python3\n"  # the Python on PATH in any image
# An interpreter path that is long or contains spaces is started by a shell.
_FOREIGN_SHEBANG = re.compile(rb"\A#!(?:[^\n]*python[^\n]*|/bin/sh\n'''exec'[^\n]*\n' ''')\n")


def split(root: Path, folder: Path) -> dict[NormalizedName, Path]:
    """Moves the files in each distribution's record from a shared folder into its own.

    Args:
        root: the shared folder.
        folder: the parent of the new folders.

    Returns:
        The folders by distribution name. A file that several distributions contain is in each.
    """
    records = {info: dict.fromkeys(filter(_is_inside, (row[0] for row in _record(info)))) for info in _infos(root)}
    times = Counter(path for paths in records.values() for path in paths)
    parts = {}
    for info, paths in records.items():
        part = parts[_name(info)] = folder / _name(info)
        for path in paths:
            source, destination = root / path, part / path
            if source.is_file():  # a record may list missing files
                destination.parent.mkdir(parents=True, exist_ok=True)
                times[path] -= 1
                if times[path]:
                    shutil.copy2(source, destination)
                else:
                    source.rename(destination)
    return parts


def folders_of_unlisted(root: Path) -> set[Path]:
    """The folders with files that were not split off, since no record lists them; relative to the shared folder."""
    return {
        path.parent.relative_to(root)
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock" and path.suffix != ".pyc" and path.parent != root
    }


def modified_files(root: Path) -> list[str]:
    """The files in a distribution's folder whose digest differs from its record, or is not in it.

    Of a file in several wheels, any one may remain. uv's cache may also be damaged: its files can be hard links into
    environments, and a line edited there would get into images.
    """
    rows = [row for info in _infos(root) for row in _record(info)]
    digests = {path: digest for path, digest, _ in rows if digest or not _UNRECORDED.search(path)}
    with ThreadPoolExecutor() as threads:
        actual = threads.map(lambda path: _digest(root / path, digests[path].partition("=")[0] or "sha256"), digests)
        return [path for path, found in zip(digests, actual, strict=True) if found != digests[path]]


def remove_generator(root: Path, built: Collection[str]) -> set[str]:
    """Removes the build tool's name and version from the metadata of wheels that were built here.

    Args:
        root: the folder of one or several distributions.
        built: the names of the distributions that were built here.

    Returns:
        The changed files, relative to `root`.

    Raises:
        DependencyError: a wheel contains compiled code, which fits this machine but not necessarily the image.
    """
    changed = set()
    for info in _infos(root):
        if _name(info) not in built:
            continue
        lines = (info / "WHEEL").read_text(encoding="utf-8").splitlines()
        tags = [line.partition(":")[2].strip() for line in lines if line.startswith("Tag:")]
        if not all(tag.endswith("-none-any") for tag in tags):
            raise DependencyError(
                f"{_name(info)} has no wheel, and the one built here contains compiled code ({', '.join(tags)})",
                "build its wheel in an environment like the base image, and publish it to an index or put it into a "
                "folder that UV_FIND_LINKS names",
            )
        kept = [line for line in lines if not line.startswith("Generator:")]
        (info / "WHEEL").write_text("\n".join([*kept, ""]), encoding="utf-8")
        changed.add(f"{info.name}/WHEEL")
    return changed


def normalize(root: Path, modified: Collection[str] = ()) -> None:
    """Makes a distribution's folder independent of the machine and of the installer.

    Args:
        root: the folder.
        modified: files whose digest may differ from the record, relative to `root`.
    """
    (root / ".lock").unlink(missing_ok=True)
    for info in _infos(root):
        for name in _INSTALLER_FILES:
            (info / name).unlink(missing_ok=True)
    changed = _make_scripts_portable(root).union(modified)
    _clean(root)
    for info in _infos(root):
        _write_record(info, sorted(_corrected(root, _record(info), changed)))


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and os.path.normpath(path).partition(os.sep)[0] != os.pardir


def _infos(root: Path) -> list[Path]:
    """The metadata folders, sorted by distribution name."""
    return sorted(root.glob("*.dist-info"), key=_name)


def _name(info: Path) -> NormalizedName:
    return canonicalize_name(info.name.partition("-")[0])


def _record(info: Path) -> list[list[str]]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row]


def _digest(path: Path, algorithm: str = "sha256") -> str:
    """The digest of a file in the form of records; empty if there is no file."""
    digest = hashlib.new(algorithm)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return f"{algorithm}={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}"


def _make_scripts_portable(root: Path) -> set[str]:
    """Rewrites the scripts in `bin`, and returns their paths.

    Scripts of entry points are replaced, since their text depends on the installer's release.
    """
    folder = root / "bin"
    if not folder.is_dir():
        return set()
    for path in folder.iterdir():
        if path.is_file() and (found := _FOREIGN_SHEBANG.match(content := path.read_bytes())):
            path.write_bytes(_SHEBANG + content[found.end() :])
    from importlib.metadata import PathDistribution  # slow to import

    for info in _infos(root):
        for entry in PathDistribution(info).entry_points:
            if entry.group in _SCRIPT_GROUPS and (script := folder / entry.name).is_file():
                script.write_bytes(_script(entry.module, entry.attr))
                script.chmod(0o755)
    return {f"bin/{path.name}" for path in folder.iterdir()}


def _script(module: str, attribute: str) -> bytes:
    first = attribute.partition(".")[0]
    lines = [
        "import sys",
        f"from {module} import {first}",
        'if __name__ == "__main__":',
        f"    sys.exit({attribute}())",
    ]
    return _SHEBANG + "\n".join([*lines, ""]).encode()


def _clean(root: Path) -> None:
    """Removes byte code, and normalizes modes."""
    root.chmod(0o755)
    for folder, folders, files in os.walk(root):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
            shutil.rmtree(Path(folder, "__pycache__"))
        for name in folders:
            Path(folder, name).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _corrected(root: Path, rows: Iterable[list[str]], changed: Collection[str]) -> Iterator[list[str]]:
    for path, digest, size in rows:
        file = root / path
        if not file.exists():
            continue
        yield [path, _digest(file), str(file.stat().st_size)] if path in changed else [path, digest, size]


def _write_record(info: Path, rows: Iterable[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    (info / "RECORD").write_bytes(text.getvalue().encode())
