"""Progress and results of commands: in a terminal, in a notebook, or as plain lines of a log.

Names are imported on first use, since each step of a local run imports `display.event`, and rich is slow to import.
"""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp.display.event import Event
    from fairing_kfp.display.progress import RunDisplay, TransferProgress
    from fairing_kfp.display.terminal import console

__all__ = ["Event", "RunDisplay", "TransferProgress", "console"]

_MODULES = {"Event": "event", "RunDisplay": "progress", "TransferProgress": "progress", "console": "terminal"}
_RENAMED = {"TransferTeller": "TransferProgress", "StepTeller": "RunDisplay"}


def __getattr__(name: str) -> Any:
    """Imports a name on first use (PEP 562), and resolves the names of the previous release."""
    if name in _RENAMED:
        new = _RENAMED[name]
        warnings.warn(f"{__name__}.{name} is deprecated: use {__name__}.{new}", DeprecationWarning, stacklevel=2)
        name = new
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
