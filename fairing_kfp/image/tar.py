"""Tar entries whose bytes depend on nothing but path, kind, mode and content.

Owner 0, no owner names, time 0. The format is POSIX ustar, with a pax header before an entry that ustar cannot express
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html). The headers are written here because `tarfile`
has changed the bytes of its headers between Python versions, and a layer's digest may not follow the author's Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fairing_kfp.errors import PackError

BLOCK = 512
END = bytes(2 * BLOCK)

FILE = b"0"
SYMLINK = b"2"
DIRECTORY = b"5"
_PAX = b"x"

_LONGEST_NAME = 100
_LONGEST_PREFIX = 155
_LARGEST = 8**11 - 1


def entry(path: str, kind: bytes, mode: int, size: int = 0, target: str = "") -> bytes:
    """The header blocks of one entry; its content, `padding` after it, is for the caller to write.

    Args:
        path: relative to the root of the image.
        kind: FILE, SYMLINK or DIRECTORY.
        mode: the permission bits.
        size: the content's length.
        target: where a symbolic link points.
    """
    if kind == DIRECTORY:
        path += "/"
    name, prefix = _split(path)
    records = {}
    if name is None:
        records["path"] = path
        name, prefix = b"././@LongName", b""
    link = target.encode("ascii", "replace")[:_LONGEST_NAME]
    if len(target) > _LONGEST_NAME or not target.isascii():
        records["linkpath"] = target
    if size > _LARGEST:
        records["size"] = str(size)
    header = _header(name, prefix, kind, mode, 0 if "size" in records else size, link)
    return _pax(records) + header


def padding(size: int) -> bytes:
    """What fills the last block of content of this length."""
    return bytes(-size % BLOCK)


def parents(path: str) -> Iterator[str]:
    """The folders above a path, outermost first."""
    return (str(parent) for parent in reversed(PurePosixPath(path).parents) if parent.parts)


def check(path: str) -> None:
    """Refuses a path that is not a plain one inside the image.

    Raises:
        PackError: it is absolute, empty, climbs, cannot be written as UTF-8, or would delete a file of the base
            (image-spec, layer.md, whiteouts).
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
    """The ustar name and prefix of a path, or no name when it has none."""
    if not path.isascii():
        return None, b""
    if len(path) <= _LONGEST_NAME:
        return path.encode(), b""
    cut = path.find("/", len(path) - _LONGEST_NAME - 1)
    if 0 < cut <= _LONGEST_PREFIX and cut + 1 < len(path):
        return path[cut + 1 :].encode(), path[:cut].encode()
    return None, b""


def _pax(records: dict[str, str]) -> bytes:
    if not records:
        return b""
    body = b"".join(_record(key, value) for key, value in sorted(records.items()))
    return _header(b"././@PaxHeader", b"", _PAX, 0o644, len(body), b"") + body + padding(len(body))


def _record(key: str, value: str) -> bytes:
    """`LENGTH KEY=VALUE\\n`, where the length counts its own digits."""
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
        b" " * 8,  # the checksum counts itself as blanks
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
