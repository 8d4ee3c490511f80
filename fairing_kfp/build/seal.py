"""What tells that a folder is as it was made: the names, sizes, modes and times of all that it holds."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seal:
    """The state of a folder, for which no file is read.

    Attributes:
        outline: a digest; a file that was changed, added or removed changes it.
        size: the bytes of its files.
    """

    outline: str
    size: int

    @classmethod
    def of(cls, root: Path) -> Seal:
        """The seal of a folder, in its present state."""
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
        """The seal that was written to a file; None when there is none, or it is damaged."""
        try:
            document = json.loads(path.read_bytes())
            return cls(str(document["outline"]), int(document["size"]))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def dump(self) -> bytes:
        """What is written to a file."""
        return json.dumps(asdict(self)).encode()
