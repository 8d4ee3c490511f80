"""The user's folders; a pod may run as somebody without any."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The user's folder, or the root if there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def config_folder() -> Path:
    """`$XDG_CONFIG_HOME`, or `~/.config`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config")
