"""Artifacts on this machine: their paths, and the digests of imported ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

IMPORTED = "fairing.imported"
"""Key of an artifact that was imported: its content may change, while that of a run's folder does not."""

_CHUNK = 1 << 20


def local_path(uri: str) -> Path | None:
    """The path of an artifact on this machine; None for an artifact elsewhere."""
    if uri.startswith("file://"):
        return Path(uri.removeprefix("file://"))
    return None if "://" in uri else Path(uri)


def content_digest(artifact: Mapping[str, Any]) -> str:
    """The digest of the content of an imported file or folder; empty for any other artifact."""
    path = local_path(artifact["uri"])
    if not artifact.get(IMPORTED) or path is None:
        return ""
    digest = hashlib.sha256()
    files = (
        [path] if path.is_file() else sorted(Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    )
    for file in files:
        digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
