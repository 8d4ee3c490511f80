"""Installed wheels, each in a folder of its own and in a form that depends on the wheel alone.

Installers leave their mark: paths of this machine's Python in scripts, notes on who installed what and when, modes by
the user's umask, byte code, records in any order, and of files that two distributions share the one that came last.
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
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from fairing_kfp.errors import DependencyError

_CHUNK = 1 << 20
_NOTES = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_SHEBANG = b"#!/usr/bin/env python3\n"  # any Python of an image that is found by name
# A long path of the interpreter, or one with spaces, is started by the shell.
_FOREIGN_SHEBANG = re.compile(rb"\A#!(?:[^\n]*python[^\n]*|/bin/sh\n'''exec'[^\n]*\n' ''')\n")


def split(root: Path, folder: Path) -> dict[NormalizedName, Path]:
    """Moves the files of each distribution, as its record lists them, from a shared folder into one of its own.

    Args:
        root: what an installer filled.
        folder: where the new ones are made.

    Returns:
        The folders by the names of the distributions. What several of them bring is in each.
    """
    records = {info: dict.fromkeys(filter(_is_inside, (row[0] for row in _record(info)))) for info in _infos(root)}
    times = Counter(path for paths in records.values() for path in paths)
    parts = {}
    for info, paths in records.items():
        part = parts[_name(info)] = folder / _name(info)
        for path in paths:
            source, place = root / path, part / path
            if source.is_file():  # records may name what is not there
                place.parent.mkdir(parents=True, exist_ok=True)
                if times[path] > 1:
                    shutil.copy2(source, place)
                else:
                    source.rename(place)
    return parts


def astray(root: Path) -> list[str]:
    """Files of a single distribution's folder that are not what the wheel brought.

    What an installer leaves of a file that several wheels bring is chance. And an installer's cache can be damaged,
    above all where its files are hard links into environments: a line changed there for a test would find its way into
    images.
    """
    digests = {path: digest for info in _infos(root) for path, digest, _ in _record(info) if digest}
    with ThreadPoolExecutor() as threads:
        actual = threads.map(lambda path: _digest(root / path, digests[path].partition("=")[0]), digests)
        return [path for path, found in zip(digests, actual, strict=True) if found != digests[path]]


def unsigned(root: Path, built: Collection[str]) -> set[str]:
    """Has the wheels that were built here not say by what; gives the files that it changed.

    Raises:
        DependencyError: one is compiled: it fits this machine, which is not the image.
    """
    changed = set()
    for info in _infos(root):
        if _name(info) not in built:
            continue
        lines = (info / "WHEEL").read_text(encoding="utf-8").splitlines()
        tags = [line.partition(":")[2].strip() for line in lines if line.startswith("Tag:")]
        if not all(tag.endswith("-none-any") for tag in tags):
            raise DependencyError(
                f"{_name(info)}, which has no wheel, was built here, but holds compiled code ({', '.join(tags)})",
                "build its wheel in an environment like the base image, and put it on an index or into a folder named "
                "in UV_FIND_LINKS",
            )
        kept = [line for line in lines if not line.startswith("Generator:")]
        (info / "WHEEL").write_text("\n".join([*kept, ""]), encoding="utf-8")
        changed.add(f"{info.name}/WHEEL")
    return changed


def normalise(root: Path, replaced: Collection[str] = ()) -> None:
    """Makes a single distribution's folder the same wherever it was installed.

    Args:
        root: its folder.
        replaced: files whose content may differ from what its record says.
    """
    (root / ".lock").unlink(missing_ok=True)
    for info in _infos(root):
        for note in _NOTES:
            (info / note).unlink(missing_ok=True)
    changed = _make_scripts_portable(root).union(replaced)
    _clean(root)
    for info in _infos(root):
        _write_record(info, sorted(_corrected(root, _record(info), changed)))


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and os.path.normpath(path).partition(os.sep)[0] != os.pardir


def _infos(root: Path) -> list[Path]:
    """The metadata folders, by the names of their distributions."""
    return sorted(root.glob("*.dist-info"), key=_name)


def _name(info: Path) -> NormalizedName:
    return canonicalize_name(info.name.partition("-")[0])


def _record(info: Path) -> list[list[str]]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row]


def _digest(path: Path, algorithm: str = "sha256") -> str:
    """The digest of a file as records have it; empty when there is none."""
    digest = hashlib.new(algorithm)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return f"{algorithm}={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}"


def _make_scripts_portable(root: Path) -> set[str]:
    """Rewrites the scripts in `bin`; gives their paths.

    Those of entry points are written anew, as each release of an installer has its own form of them.
    """
    folder = root / "bin"
    if not folder.is_dir():
        return set()
    for path in folder.iterdir():
        if path.is_file() and (found := _FOREIGN_SHEBANG.match(content := path.read_bytes())):
            path.write_bytes(_SHEBANG + content[found.end() :])
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
    """Removes byte code, and sets all modes."""
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
