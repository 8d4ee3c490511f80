"""Files that are written completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from fairing_kfp.errors import ConfigError


def check_writable(path: Path) -> None:
    """Checks that a file can be written, for commands that write it last. Nothing is created.

    Raises:
        ConfigError: the path is a folder, a file is in the place of its folder, or permissions are missing.
    """
    folder = next(one for one in path.absolute().parents if one.exists())
    if path.is_dir():
        reason = errno.EISDIR
    elif not folder.is_dir():
        reason = errno.ENOTDIR
    elif not os.access(folder, os.W_OK | os.X_OK):
        reason = errno.EACCES
    else:
        return
    raise _error(path, os.strerror(reason))


def write_atomic(path: Path, text: str) -> None:
    """Writes a text file, and creates its folder.

    Raises:
        ConfigError: the file cannot be written; an existing file is unchanged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text.encode())
    except OSError as error:
        raise _error(path, error.strerror) from error


def replace_atomic(path: Path, data: bytes) -> None:
    """Replaces the content of an existing file, and keeps its permissions. A link keeps pointing to the file.

    Raises:
        OSError: the file cannot be written; it is unchanged.
    """
    target = path.resolve(strict=True)
    _replace(target, data, stat.S_IMODE(target.stat().st_mode))


def _error(path: Path, reason: str | None) -> ConfigError:
    return ConfigError(f"cannot write {path}: {reason}", "choose another path")


def _replace(path: Path, data: bytes, mode: int | None = None) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        if mode is not None:
            partial.chmod(mode)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
