"""What belongs to Python or to an installed distribution, and is therefore not the user's own."""

from __future__ import annotations

import site
import sysconfig
from functools import cache, lru_cache
from pathlib import Path

_SITE_NAMES = {"site-packages", "dist-packages"}


@cache
def _library_folders() -> tuple[Path, ...]:
    names = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    names |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(Path(name).resolve() for name in names if name)


@lru_cache(maxsize=4096)
def is_installed(path: str | Path) -> bool:
    """Whether a file or folder belongs to Python or to an installed distribution."""
    resolved = Path(path).resolve()
    if _SITE_NAMES & set(resolved.parts):
        return True
    return any(resolved.is_relative_to(folder) for folder in _library_folders())
