"""The git working tree that an image is built of."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

_TIMEOUT = 20  # seconds


@dataclass(frozen=True)
class SourceTree:
    """A working tree.

    Attributes:
        state: `clean` if all files are those of the revision; `unknown` if the folder is in no git repository.
        uri: the remote repository, without user and password; empty if there is none.
        revision: the commit of a clean tree, in hexadecimal digits; else empty.
    """

    state: Literal["clean", "dirty", "unknown"] = "unknown"
    uri: str = ""
    revision: str = ""

    @classmethod
    def of(cls, folder: Path) -> SourceTree:
        """Asks git for the state of a folder's working tree; files that git does not track make it dirty."""
        revision, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
        if revision is None or changes is None:
            return cls()
        uri = public_uri(_git(folder, "remote", "get-url", "origin") or "")
        return cls("dirty", uri) if changes else cls("clean", uri, revision)


def _git(folder: Path, *arguments: str) -> str | None:
    """The output of git; None if it fails, or is not installed."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def public_uri(remote: str) -> str:
    """The URI of a remote, as of SPDX (`git+https://…`), without credentials; empty for a path of this machine."""
    if "://" not in remote:
        host, colon, path = remote.partition(":")
        if not colon or "/" in host:
            return ""
        remote = f"ssh://{host}/{path.lstrip('/')}"
    parts = urlsplit(remote)
    if parts.scheme not in ("http", "https", "ssh", "git") or not parts.hostname:
        return ""
    netloc = parts.netloc.rpartition("@")[2]
    return f"git+{urlunsplit((parts.scheme, netloc, parts.path, '', ''))}"
