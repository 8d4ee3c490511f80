"""Waiting for a condition, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(
    holds: Callable[[], Any], seconds: float = 60, why: Callable[[], str] = str, *, pause: float = 0.01
) -> Any:
    """Waits until a function returns a true value, and returns that value; fails after a number of seconds."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, why() or "it never became true"
        time.sleep(pause)
    return found
