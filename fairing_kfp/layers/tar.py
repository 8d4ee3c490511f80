"""Tar entries whose bytes depend only on path, type, mode and content.

The owner is 0 without names, and the time is 0. The format is POSIX ustar, with a pax header for entries that ustar
cannot express (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html). `tarfile` is not used, since the
bytes of its headers differ between Python versions, and a layer's digest must not depend on the author's Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from fairing_kfp.errors import PackError

BLOCK = 512
END = bytes(2 * BLOCK)

FILE = b"0"
SYMLINK = b"2"
DIRECTORY = b"5"
_PAX = b"x"

_MAX_NAME = 100
_MAX_PREFIX = 155
_MAX_SIZE = 8**11 - 1


def archive(paths: Iterable[str], file_entry: Callable[[str], Iterable[bytes]]) -> Iterator[bytes]:
    """Yields an archive of files, sorted by path, with entries of mode 0755 for the folders above them.

    Args:
        paths: paths of the files.
        file_entry: returns the entry of a file, with content and padding.

    Raises:
        PackError: a path is invalid; see `check_path`.
    """
    files = sorted(paths)
    for path in files:
        check_path(path)
    folders = {parent for path in files for parent in parents(path)}
    for path in sorted(folders.union(files)):  # sorting puts a folder before its content
        if path in folders:
            yield entry(path, DIRECTORY, 0o755)
        else:
            yield from file_entry(path)
    yield END


def entry(path: str, kind: bytes, mode: int, size: int = 0, target: str = "") -> bytes:
    """The header blocks of an entry. The caller writes the content and `padding` after them.

    Args:
        path: relative to the root of the image.
        kind: FILE, SYMLINK or DIRECTORY.
        mode: permission bits.
        size: length of the content in bytes.
        target: target of a symbolic link.
    """
    if kind == DIRECTORY:
        path += "/"
    name, prefix = _split(path)
    records = {}
    if name is None:
        records["path"] = path
        name, prefix = b"././@LongName", b""
    link = target.encode("ascii", "replace")[:_MAX_NAME]
    if len(target) > _MAX_NAME or not target.isascii():
        records["linkpath"] = target
    if size > _MAX_SIZE:
        records["size"] = str(size)
    header = _header(name, prefix, kind, mode, 0 if "size" in records else size, link)
    return _pax(records) + header


def padding(size: int) -> bytes:
    """Zeros that fill the last block after content of this size."""
    return bytes(-size % BLOCK)


def parents(path: str) -> Iterator[str]:
    """The folders above a path, outermost first."""
    return (str(parent) for parent in reversed(PurePosixPath(path).parents) if parent.parts)


def check_path(path: str) -> None:
    """Validates the path of an entry.

    Raises:
        PackError: the path is empty, absolute, not normalized or not valid UTF-8, or it is a whiteout, which would
            delete a file of the base (image-spec, layer.md, whiteouts).
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise PackError(f"{path!r} is not a path inside an image", "use a relative path without '..'")
    if any(part.startswith(".wh.") for part in parts):
        raise PackError(f"the file {path!r} would delete a file of the base image", "rename it: .wh. marks a deletion")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise PackError(f"the file name {path!r} is not valid UTF-8", "rename the file") from None


def _split(path: str) -> tuple[bytes | None, bytes]:
    """The ustar name and prefix of a path; the name is None if ustar cannot express it."""
    if not path.isascii():
        return None, b""
    if len(path) <= _MAX_NAME:
        return path.encode(), b""
    cut = path.find("/", len(path) - _MAX_NAME - 1)
    if 0 < cut <= _MAX_PREFIX and cut + 1 < len(path):
        return path[cut + 1 :].encode(), path[:cut].encode()
    return None, b""


def _pax(records: dict[str, str]) -> bytes:
    if not records:
        return b""
    body = b"".join(_record(key, value) for key, value in sorted(records.items()))
    return _header(b"././@PaxHeader", b"", _PAX, 0o644, len(body), b"") + body + padding(len(body))


def _record(key: str, value: str) -> bytes:
    """`LENGTH KEY=VALUE\\n`; the length includes its own digits."""
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _header(name: bytes, prefix: bytes, kind: bytes, mode: int, size: int, link: bytes) -> bytes:
    owner = b"0000000\0"
    fields = [
        name.ljust(100, b"\0"),
        b"%07o\0" % mode,
        owner,  # user
        owner,  # group
        b"%011o\0" % size,
        b"%011o\0" % 0,  # time
        b" " * 8,  # the checksum is computed with blanks in its place
        kind,
        link.ljust(100, b"\0"),
        b"ustar\x0000",
        bytes(64),  # names of user and group
        owner,  # device numbers
        owner,
        prefix.ljust(155, b"\0"),
        bytes(12),
    ]
    fields[6] = b"%06o\0 " % sum(b"".join(fields))
    return b"".join(fields)
