"""Seals of cached folders: they show whether a folder is still as it was made."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

from fairing_kfp.frozen import dataclass


def seal_path(root: Path, folder: Path) -> Path:
    """The file with the seal of a cached folder.

    Args:
        root: the cache.
        folder: the folder, as `root/KIND/NAME`.
    """
    return root / "seals" / folder.parent.name / folder.name


@dataclass(frozen=True)
class Seal:
    """The state of a folder, read from its directory entries alone.

    Attributes:
        outline: digest of the names, modes, sizes, times and link targets of all entries.
        size: total size of the files, in bytes.
    """

    outline: str
    size: int

    @classmethod
    def of(cls, root: Path) -> Seal:
        """The seal of a folder in its present state."""
        digest, size = hashlib.sha256(), 0
        pending = [(str(root), "")]
        while pending:
            folder, prefix = pending.pop()
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                name = f"{prefix}{entry.name}"
                line = [name, status.st_mode]
                if stat.S_ISDIR(status.st_mode):
                    pending.append((entry.path, f"{name}/"))
                elif stat.S_ISLNK(status.st_mode):
                    line.append(str(Path(entry.path).readlink()))
                else:
                    line += [status.st_size, status.st_mtime_ns]
                    size += status.st_size
                digest.update(f"{line!r}\n".encode(errors="surrogateescape"))
        return cls(digest.hexdigest(), size)

    @classmethod
    def read(cls, path: Path) -> Seal | None:
        """Reads a seal; None if the file is missing or damaged."""
        try:
            document = json.loads(path.read_bytes())
            return cls(str(document["outline"]), int(document["size"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def dump(self) -> bytes:
        """The content of the seal's file."""
        return json.dumps(vars(self)).encode()
