"""Folders as text, which a pipeline passes to `fetch_source` as an argument."""

from __future__ import annotations

import base64
import io
import lzma
import os
import tarfile
from pathlib import Path, PurePosixPath

from fairing_kfp.errors import ConfigError, SourceError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.files.selection import Selection

_LONGEST = 90_000  # characters; Linux limits an argument of a program to 128 KiB
_LARGEST = 64 << 20  # bytes of all files


def embed_source(folder: str | os.PathLike[str], exclude: list[str] | None = None) -> str:
    """Packs a small folder as text, for the input `archive` of `fetch_source`.

    Ignore files and defaults leave files out as in every image. Equal files give equal text.

    Args:
        folder: the folder.
        exclude: patterns of files to leave out, as in an ignore file.

    Raises:
        ConfigError: it is not a folder, is empty, or is too large for an argument.
        PackError: a file cannot be packed.
        SecretError: a file seems to contain a credential.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder", "name the folder to embed")
    files = Bundle("source", read_files(Selection(root, (".",), tuple(exclude or ())).files())).files
    if not files:
        raise ConfigError(f"the folder {root} has no files to embed", "check it, and its ignore files")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.size, entry.mode = len(file.data), file.mode
            tar.addfile(entry, io.BytesIO(file.data))
    text = base64.b64encode(lzma.compress(archive.getvalue(), preset=9)).decode()
    if len(text) > _LONGEST:
        raise ConfigError(
            f"the folder {root} is too large to embed: {len(text):,} characters, of at most {_LONGEST:,}",
            "leave out files, or let fetch_source get it from a Git repository",
        )
    return text


def embedded_files(text: str) -> tuple[File, ...]:
    """The files of an embedded folder, in order.

    Raises:
        SourceError: the text was not made by `embed_source`, or its files are too large.
    """
    try:
        unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
        data = unpacker.decompress(base64.b64decode(text, validate=True), _LARGEST)
        if len(data) == _LARGEST:
            raise SourceError(f"the embedded folder has more than {_LARGEST >> 20} MiB", "get it from a Git repository")
        if not unpacker.eof:
            raise ValueError("it is cut off")
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return tuple(_file(tar, entry) for entry in tar)
    except (ValueError, lzma.LZMAError, tarfile.TarError, EOFError) as error:
        raise SourceError(
            f"the input archive is not an embedded folder: {error}", "make it with fairing_kfp.components.embed_source"
        ) from error


def _file(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> File:
    place, content = PurePosixPath(entry.name), tar.extractfile(entry)
    if place.is_absolute() or ".." in place.parts or content is None or not entry.isreg():
        raise ValueError(f"it contains {entry.name!r}")
    return File(str(place), content.read(), entry.mode)
