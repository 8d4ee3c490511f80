"""Files that contain others: archives and compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

_MOST_BYTES = 64_000_000  # of everything that is read from one file


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in an archive or a compressed file, by their names; none for other data or damaged files.

    At most 64 MB are read.
    """
    try:
        yield from _members(data)
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, KeyError):
        return
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error):
        return


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    left = _MOST_BYTES
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if not info.is_dir() and left > 0:
                    member = archive.open(info).read(left)
                    left -= len(member)
                    yield info.filename, member
        return
    content = data if data[257:262] == b"ustar" else _decompressed(data, left)
    if content is None:
        return
    if content[257:262] != b"ustar":
        yield "", content
        return
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            if file:
                yield entry.name, file.read()


def _decompressed(data: bytes, most: int) -> bytes | None:
    if data.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read(most)
    if data.startswith(b"BZh"):
        return bz2.BZ2File(io.BytesIO(data)).read(most)
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(io.BytesIO(data)).read(most)
    return None
