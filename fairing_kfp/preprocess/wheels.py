"""A folder of installed wheels, brought to a form that depends on the wheels alone.

Installers leave their mark: paths of this machine's Python in scripts, notes on who installed what and when, modes by
the user's umask, byte code, records in any order, and files that two distributions share in the version that happened
to come last.
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
from collections import defaultdict
from collections.abc import Collection, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

_NOTES = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_SHEBANG = b"#!/usr/bin/env python3\n"  # any Python of an image that is found by name
# A long path of the interpreter, or one with spaces, is started by the shell.
_FOREIGN_SHEBANG = re.compile(rb"\A#!(?:[^\n]*python[^\n]*|/bin/sh\n'''exec'[^\n]*\n' ''')\n")


def contested(root: Path) -> dict[NormalizedName, list[str]]:
    """Files that several distributions bring with different content, under the distribution whose shall stand.

    That is the last by name: an installer's own order differs from run to run.
    """
    claims: dict[str, list[tuple[NormalizedName, str]]] = defaultdict(list)
    for info in _infos(root):
        for path, digest, _ in _record(info):
            claims[path].append((_name(info), digest))
    winners: dict[NormalizedName, list[str]] = defaultdict(list)
    for path, claimed in claims.items():
        if len({digest for _, digest in claimed}) > 1:
            winners[claimed[-1][0]].append(path)
    return winners


def normalise(root: Path, replaced: Collection[str] = ()) -> None:
    """Makes the folder the same wherever it was installed.

    Args:
        root: what an installer filled.
        replaced: files whose content is not what the records say.
    """
    (root / ".lock").unlink(missing_ok=True)
    for info in _infos(root):
        for note in _NOTES:
            (info / note).unlink(missing_ok=True)
    scripts = _make_scripts_portable(root)
    _clean(root)
    for info in _infos(root):
        _write_record(root, info, scripts.union(replaced))


def _infos(root: Path) -> list[Path]:
    """The metadata folders, by the names of their distributions."""
    return sorted(root.glob("*.dist-info"), key=_name)


def _name(info: Path) -> NormalizedName:
    return canonicalize_name(info.name.partition("-")[0])


def _record(info: Path) -> list[list[str]]:
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row]


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


def _write_record(root: Path, info: Path, changed: Collection[str]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted(_rows(root, info, changed)))
    (info / "RECORD").write_bytes(text.getvalue().encode())


def _rows(root: Path, info: Path, changed: Collection[str]) -> Iterator[list[str]]:
    for path, digest, size in _record(info):
        if path in changed:
            content = (root / path).read_bytes()
            value = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            yield [path, f"sha256={value}", str(len(content))]
        elif (root / path).exists():
            yield [path, digest, size]
