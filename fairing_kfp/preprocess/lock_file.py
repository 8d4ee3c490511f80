"""`fairing.lock`: which versions of its packages a pipeline keeps, in a file to be reviewed and checked in.

Each distinct set of requirements has an entry for each Python, platform and C library. It holds no address of an index.
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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from fairing_kfp.errors import LockError
from fairing_kfp.preprocess.lock import Lock, Pin, Target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "fairing.lock"

_FORM = 1
_HEAD = (
    "# The packages of the components beside this file, as fairing-kfp keeps them. Check it in; change it by\n"
    "# `fairing-kfp lock FILE [--upgrade [NAME...]]`.\n"
    f"version = {_FORM}\n"
)
_LISTS = ("requirements", "provided", "pipelines")
_TEXTS = ("python", "platform", "libc")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)")
_AGAIN = (
    "restore it from version control; or remove it and run `fairing-kfp lock FILE`, which takes the newest versions"
)


@dataclass(frozen=True)
class Key:
    """What an entry is for.

    Attributes:
        requirements: what is asked for, in one order and spelling.
        provided: what the base image holds already, likewise.
        target: what the wheels fit.
    """

    requirements: tuple[str, ...]
    provided: tuple[str, ...]
    target: Target


@dataclass(frozen=True)
class Entry:
    """What is kept.

    Attributes:
        key: what it is for.
        pins: the versions and hashes, by the names of distributions.
        pipelines: those that use it, by their names.
    """

    key: Key
    pins: Mapping[str, Pin]
    pipelines: tuple[str, ...] = ()

    @property
    def lock(self) -> Lock:
        """The lock that it stands for."""
        return Lock.of_pins(self.key.target, self.pins)

    def used_by(self, pipeline: str, *, yes: bool = True) -> Entry:
        """The same, used by a pipeline or not."""
        return replace(self, pipelines=tuple(sorted({*self.pipelines, pipeline} - (set() if yes else {pipeline}))))


Entries = Mapping[Key, Entry]


def read(path: Path) -> dict[Key, Entry]:
    """The entries of a file; none when there is no file.

    Raises:
        LockError: it cannot be read, or does not have the form that `write` gives it.
    """
    try:
        return loads(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise LockError(f"{path} is not text: {error}", _AGAIN) from error
    except OSError as error:
        raise LockError(f"{path} cannot be read: {error.strerror or error}", "make it readable") from error


def change(path: Path, edit: Callable[[Entries], Entries]) -> None:
    """Changes a file as a whole, one process after the other; it is not written when it stays the same.

    Args:
        path: the file; made when there is none.
        edit: gives the new entries for those that are there.

    Raises:
        LockError: what is there does not have the right form.
        OSError: it cannot be written.
    """
    with _alone(path.parent):
        before = read(path)
        text = dumps(edit(before).values())
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        if not before and text == dumps([]) and not path.exists():
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def dumps(entries: Iterable[Entry]) -> str:
    """The text of a file: the same entries, the same bytes."""
    return "".join([_HEAD, *sorted(map(_block, entries))])


def loads(text: str, path: Path) -> dict[Key, Entry]:
    """The entries of a file's text.

    Raises:
        LockError: it does not have the form that `dumps` gives it; the line is named.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if _CONFLICT.match(line):
            raise LockError(
                f"{path}, line {number}: two versions of the file were merged and contradict each other",
                "keep either version, then run `fairing-kfp lock FILE`, which adds what is missing",
            )
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LockError(f"{path} is not valid TOML: {error}", _AGAIN) from error
    if document.get("version") != _FORM:
        found = document.get("version")
        raise LockError(
            f"{path} has the form {found!r}, and this release of fairing-kfp knows {_FORM}",
            "install a newer fairing-kfp" if isinstance(found, int) and found > _FORM else _AGAIN,
        )
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[locked]]"]
    entries: dict[Key, Entry] = {}
    for index, table in enumerate(_tables(document, path)):
        where = f"{path}, the entry at line {lines[index]}" if index < len(lines) else str(path)
        entry = _entry(table, where)
        if entry.key in entries:
            raise LockError(f"{where}: there is another for the same requirements", "remove one of them")
        entries[entry.key] = entry
    return entries


def _tables(document: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    tables = document.get("locked", [])
    if document.keys() - {"version", "locked"} or not isinstance(tables, list):
        raise LockError(f"{path} holds something else than [[locked]] entries", _AGAIN)
    return tables


def _entry(table: Mapping[str, Any], where: str) -> Entry:
    if not isinstance(table, dict) or table.keys() != {*_LISTS, *_TEXTS, "packages"}:
        raise LockError(f"{where}: it has not just {', '.join((*_LISTS, *_TEXTS))} and packages", _AGAIN)
    for name in _LISTS:
        if not isinstance(table[name], list) or not all(isinstance(one, str) for one in table[name]):
            raise LockError(f"{where}: {name} is not a list of strings", _AGAIN)
    for name in _TEXTS:
        if not isinstance(table[name], str):
            raise LockError(f"{where}: {name} is not a string", _AGAIN)
    if not (python := re.fullmatch(r"(\d+)\.(\d+)", table["python"])):
        raise LockError(f"{where}: {table['python']!r} is no Python version", 'write it as python = "3.12"')
    target = Target((int(python[1]), int(python[2])), table["platform"], table["libc"])
    if not isinstance(table["packages"], dict):
        raise LockError(f"{where}: packages is not a table", _AGAIN)
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
    raise LockError(f"{where}: {name} has not just a version and hashes of wheels", _AGAIN)


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


def _list(name: str, values: tuple[str, ...]) -> list[str]:
    """One value a line where there are several, so that changes of different ones can be merged."""
    if len(values) < 2:
        return [f"{name} = [{', '.join(map(_quoted, values))}]"]
    return [f"{name} = [", *(f"    {_quoted(value)}," for value in values), "]"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # else JSON's strings are TOML's, too


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from changing a file in the folder; where folders cannot be locked, hopes for the best."""
    descriptor = -1
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
