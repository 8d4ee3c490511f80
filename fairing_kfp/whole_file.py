"""Files that users ask for, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from fairing_kfp.errors import ConfigError


def write_whole(path: Path, text: str) -> None:
    """Writes a whole file or none, its folder too.

    Raises:
        ConfigError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "name another place with -o") from error
