"""Downloaded artifacts, which several replays share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.atomic_file import write_atomic

if TYPE_CHECKING:
    from fairing_kfp.remote.artifact import RunArtifact

OnDownload = Callable[["RunArtifact", "int | None"], None]
"""Called with an artifact and the number of its bytes that arrived so far; None if it was downloaded before."""


@dataclass(frozen=True)
class Downloads:
    """Downloaded artifacts.

    Attributes:
        folder: folder of their contents.
        on_download: called as artifacts are downloaded.
    """

    folder: Path
    on_download: OnDownload

    def path_of(self, artifact: RunArtifact) -> Path:
        """The content of an artifact; downloaded, unless it was before, and no step has changed its files since.

        Raises:
            KfpError: the content cannot be reached, or does not exist.
            ConfigError: the folder cannot be written.
        """
        path = self.folder / hashlib.sha256(artifact.uri.encode()).hexdigest()[:16] / artifact.name
        record = path.with_name(f"{path.name}.files.json")
        if record.exists() and json.loads(record.read_text()) == _files(path):
            self.on_download(artifact, None)
            return path
        record.unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        count = 0

        def on_bytes(more: int) -> None:
            nonlocal count
            count += more
            self.on_download(artifact, count)

        self.on_download(artifact, 0)
        artifact.download(path, on_bytes=on_bytes)
        write_atomic(record, json.dumps(_files(path)))
        return path


def _files(path: Path) -> list[list[str | int]]:
    """The files below a path, or the file itself: names, sizes and times of change."""
    files = [path] if path.is_file() else sorted(Path(root, name) for root, _, names in os.walk(path) for name in names)
    stats = [(file, file.stat()) for file in files]
    return [[str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns] for file, stat in stats]
