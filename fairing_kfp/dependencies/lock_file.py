"""The file `fairing.lock`: locked package versions and base images of pipelines, to be reviewed and committed.

Each distinct set of requirements has an entry per Python version, platform and C library. Index URLs are not recorded.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fairing_kfp.dependencies.base_lock import Bases, LockedBase
from fairing_kfp.dependencies.lock import Lock, Pin
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import LockError
from fairing_kfp.frozen import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "fairing.lock"

_FORMAT, _FORMAT_WITH_BASES = 1, 2
_HEAD = (
    "# The packages of the components beside this file, as fairing-kfp keeps them. Check it in; change it by\n"
    "# `fairing-kfp lock FILE [--upgrade [NAME...]]`.\n"
    "version = {}\n"
)
_LISTS = ("requirements", "provided", "pipelines")
_TEXTS = ("python", "platform", "libc")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_RESTORE = "restore it from version control, or remove it and run `fairing-kfp lock FILE` to lock the newest versions"


@dataclass(frozen=True)
class Key:
    """What an entry locks.

    Attributes:
        requirements: normalized requirements, constraints and sources, sorted.
        provided: normalized requirements that the base image satisfies, sorted.
        target: the target of the wheels.
    """

    requirements: tuple[str, ...]
    provided: tuple[str, ...]
    target: Target


@dataclass(frozen=True)
class Entry:
    """An entry of a lock file.

    Attributes:
        key: its requirements and target.
        pins: the locked versions and hashes, by distribution name.
        pipelines: the names of the pipelines that use it.
    """

    key: Key
    pins: Mapping[str, Pin]
    pipelines: tuple[str, ...] = ()

    @property
    def lock(self) -> Lock:
        """The entry as a lock."""
        return Lock.from_pins(self.key.target, self.pins)

    def used_by(self, pipeline: str) -> Entry:
        """The entry with a pipeline added to those that use it."""
        return replace(self, pipelines=tuple(sorted({*self.pipelines, pipeline})))

    def not_used_by(self, pipeline: str) -> Entry:
        """The entry with a pipeline removed from those that use it."""
        return replace(self, pipelines=tuple(sorted({*self.pipelines} - {pipeline})))


Entries = Mapping[Key, Entry]


def read(path: Path) -> dict[Key, Entry]:
    """Reads the entries of a file; none if there is no file.

    Raises:
        LockError: the file cannot be read, or is malformed.
    """
    return loads(_text(path), path)


def read_bases(path: Path) -> dict[str, LockedBase]:
    """Reads the base images of a file, by reference; none if there is no file.

    Raises:
        LockError: the file cannot be read, or is malformed.
    """
    return _bases(_document(_text(path), path), path)


def change(
    path: Path, edit: Callable[[Entries], Entries], edit_bases: Callable[[Bases], Bases] = lambda bases: bases
) -> bool:
    """Changes a file atomically, one process at a time; an unchanged file is not written.

    Args:
        path: the file; created if it does not exist.
        edit: returns the new entries for the current ones.
        edit_bases: returns the new base images for the current ones.

    Returns:
        Whether the file was written.

    Raises:
        LockError: the file is malformed.
        OSError: the file cannot be written.
    """
    with _exclusive(path.parent):
        text = dumps(edit(read(path)).values(), edit_bases(read_bases(path)).values())
        before = path.read_text(encoding="utf-8") if path.exists() else dumps([])
        if text == before:
            return False
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        return True


def dumps(entries: Iterable[Entry], bases: Iterable[LockedBase] = ()) -> str:
    """The text of a file; equal entries result in equal text."""
    blocks = sorted(map(_base_block, bases))
    return "".join([_HEAD.format(_FORMAT_WITH_BASES if blocks else _FORMAT), *sorted(map(_block, entries)), *blocks])


def loads(text: str, path: Path) -> dict[Key, Entry]:
    """Parses the text of a file.

    Args:
        text: the text.
        path: the file, for messages.

    Raises:
        LockError: the text is malformed, or contains a merge conflict; the message names the line.
    """
    document = _document(text, path)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[locked]]"]
    entries: dict[Key, Entry] = {}
    for index, table in enumerate(_tables(document, path)):
        where = f"{path}, the entry at line {lines[index]}" if index < len(lines) else str(path)
        entry = _entry(table, where)
        if entry.key in entries:
            raise LockError(f"{where}: another entry has the same requirements", "remove one of them")
        entries[entry.key] = entry
    return entries


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return dumps([])
    except UnicodeDecodeError as error:
        raise LockError(f"{path} is not UTF-8 text: {error}", _RESTORE) from error
    except OSError as error:
        raise LockError(f"cannot read {path}: {error.strerror or error}", "make it readable") from error


def _document(text: str, path: Path) -> dict[str, Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if _CONFLICT.match(line):
            raise LockError(
                f"{path}, line {number}: the file has a merge conflict",
                "keep either version, then run `fairing-kfp lock FILE`, which adds missing entries",
            )
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"{path} is not valid TOML: {error}", _RESTORE) from error
    if document.get("version") not in (_FORMAT, _FORMAT_WITH_BASES):
        found = document.get("version")
        raise LockError(
            f"{path} has version {found!r}, and this release of fairing-kfp supports version {_FORMAT_WITH_BASES}",
            "install a newer fairing-kfp" if isinstance(found, int) and found > _FORMAT_WITH_BASES else _RESTORE,
        )
    return document


def _bases(document: Mapping[str, Any], path: Path) -> dict[str, LockedBase]:
    tables = document.get("base", [])
    try:
        found = [LockedBase.parse(table) for table in tables]
    except (ValueError, TypeError) as error:
        raise LockError(f"{path}: a base image is malformed: {error}", _RESTORE) from error
    return {base.image: base for base in found}


def _tables(document: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    tables = document.get("locked", [])
    if document.keys() - {"version", "locked", "base"} or not isinstance(tables, list):
        raise LockError(f"{path} contains more than [[locked]] and [[base]] entries", _RESTORE)
    return tables


def _entry(table: Mapping[str, Any], where: str) -> Entry:
    if not isinstance(table, dict) or table.keys() != {*_LISTS, *_TEXTS, "packages"}:
        raise LockError(f"{where}: its keys are not {', '.join((*_LISTS, *_TEXTS))} and packages", _RESTORE)
    for name in _LISTS:
        if not isinstance(table[name], list) or not all(isinstance(one, str) for one in table[name]):
            raise LockError(f"{where}: {name} is not a list of strings", _RESTORE)
    for name in _TEXTS:
        if not isinstance(table[name], str):
            raise LockError(f"{where}: {name} is not a string", _RESTORE)
    if not (python := re.fullmatch(r"(\d+)\.(\d+)", table["python"])):
        raise LockError(f"{where}: {table['python']!r} is not a Python version", 'write it as python = "3.12"')
    target = Target((int(python[1]), int(python[2])), table["platform"], table["libc"])
    if not isinstance(table["packages"], dict):
        raise LockError(f"{where}: packages is not a table", _RESTORE)
    pins = {name: _pin(name, value, where) for name, value in table["packages"].items()}
    return Entry(
        Key(tuple(table["requirements"]), tuple(table["provided"]), target), pins, tuple(sorted(table["pipelines"]))
    )


def _pin(name: str, value: Any, where: str) -> Pin:
    try:
        version, hashes = value["version"], value["hashes"]
        Version(version)
        built = value.get("built", False)
        known = value.keys() - {"built"} == {"version", "hashes"} and isinstance(built, bool)
        well = name == canonicalize_name(name) and known and isinstance(hashes, list)
        if well and hashes and all(re.fullmatch(r"sha(?:256|384|512):[0-9a-f]{64,128}", one) for one in hashes):
            return Pin(version, tuple(sorted(hashes)), built)
    except (LookupError, TypeError, AttributeError, InvalidVersion):
        pass
    raise LockError(f"{where}: {name} does not consist of a version and hashes", _RESTORE)


def _block(entry: Entry) -> str:
    target = entry.key.target
    lines = ["", "[[locked]]"]
    lines += _list("requirements", entry.key.requirements)
    lines += _list("provided", entry.key.provided)
    lines.append(f'python = "{target.python[0]}.{target.python[1]}"')
    lines += [f"platform = {_quoted(target.platform)}", f"libc = {_quoted(target.libc)}"]
    lines += [*_list("pipelines", entry.pipelines), "", "[locked.packages]"]
    for name in sorted(entry.pins):
        pin = entry.pins[name]
        hashes = ", ".join(map(_quoted, sorted(pin.hashes)))
        built = ", built = true" * pin.built
        lines.append(f"{name} = {{ version = {_quoted(pin.version)}, hashes = [{hashes}]{built} }}")
    return "\n".join([*lines, ""])


def _base_block(base: LockedBase) -> str:
    lines = ["", "[[base]]", f"image = {_quoted(base.image)}", f"digest = {_quoted(base.digest)}"]
    return "\n".join([*lines, *_list("pipelines", base.pipelines), ""])


def _list(name: str, values: tuple[str, ...]) -> list[str]:
    """One value per line if there are several, so that changes can be merged."""
    if len(values) < 2:
        return [f"{name} = [{', '.join(map(_quoted, values))}]"]
    return [f"{name} = [", *(f"    {_quoted(value)}," for value in values), "]"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )  # otherwise, JSON strings are valid TOML strings


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Locks the folder against other processes; without effect if its file system has no locks."""
    descriptor = -1
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
