"""Files of the author's machine → files of an image, unless they hold a credential."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fairing_kfp.errors import PackError, SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess import secrets

_HINTS = {
    **{
        hint: re.compile(re.escape(hint))
        for hint in (b"AKIA", b"ASIA", b"glpat-", b"AIza", b"pypi-AgE", b"github_pat_")
    },
    **{hint: re.compile(re.escape(hint)) for hint in (b"k_live_", b"PRIVATE KEY-----")},
    b"gh": re.compile(rb"gh[pousr]_[A-Za-z0-9]{36}"),
    b"hf_": re.compile(rb"hf_[A-Za-z0-9]{30}"),
    b"sk-": re.compile(rb"sk-[A-Za-z0-9_-]{32}"),
    b"xox": re.compile(rb"xox[abprs]-[A-Za-z0-9-]{10}"),
    b".eyJ": re.compile(rb"\.eyJ[A-Za-z0-9_-]{10}"),
    b"://": re.compile(rb"://[^\s/:@]+:[^\s/:@]{3,}@"),
}
"""Of each form of credential, what is quickly found in much data; around it the form itself is looked for."""

_AROUND = 256
_SETTINGS = {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".properties", ".sh", ".env", ".envrc"}
_SETTING = re.compile(r"""(?<![\w.-])([\w.-]{1,64})["']?[^\S\n]*[:=][^\S\n]*["']?([^\s"',#]+)""")
_LARGEST_SETTINGS = 1_000_000
_BEGINNING = 8192


def read_files(files: Mapping[str, Path], below: str = "") -> tuple[File, ...]:
    """Reads files into memory, in the order of their places.

    Args:
        files: what lies where, relative to `below`.
        below: a folder of the image, relative to its root.

    Raises:
        PackError: a file is gone, cannot be read, or changes meanwhile.
        SecretError: something in one looks like a credential.
    """
    return tuple(_read(path, str(PurePosixPath(below, place))) for place, path in sorted(files.items()))


def _read(path: Path, place: str) -> File:
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise PackError(
            f"{path} cannot be packed: {error.strerror or error}", "make it readable, or leave it out"
        ) from error
    if len(data) != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise PackError(f"{path} changed while it was packed", "run the command again")
    found = _secret(path.suffix.lower(), data)
    if found:
        raise SecretError(
            f"the file {path} holds {found}",
            "leave it out (.fairingignore), and give the step a Kubernetes secret instead (secrets=)",
        )
    return File(place, data, 0o755 if before.st_mode & stat.S_IXUSR else 0o644)


def _secret(suffix: str, data: bytes) -> str | None:
    """What in a file looks like a credential, in words; None when nothing does, or when it is no text."""
    if b"\0" in data[:_BEGINNING]:
        return None
    if suffix == ".py":
        return secrets.secret_in_source(data.decode(errors="replace"))
    if suffix in _SETTINGS and len(data) <= _LARGEST_SETTINGS:
        for name, value in _SETTING.findall(data.decode(errors="replace")):
            if secrets.secret_name(name.replace("-", "_"), value):
                return f"{name!r}, which looks like a credential"
    for hint, candidate in _HINTS.items():
        for found in candidate.finditer(data) if hint in data else ():
            # All forms are ASCII, so any encoding that leaves ASCII alone will do.
            around = data[max(0, found.start() - _AROUND) : found.end() + _AROUND].decode("latin-1")
            if form := secrets.secret_form(around):
                return form
    return None
