"""Doing again what failed by chance.

A broken upload session is dead on most registries, so what is done again is always a whole unit: the opening of the
session and the sending of the blob.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from fairing_kfp.errors import RegistryError

_Result = TypeVar("_Result")

ATTEMPTS = 5
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 60.0


class TransientError(RegistryError):
    """A failure that may pass: a broken connection, or a status that says so.

    Args:
        pause: how many seconds the registry asks to be left alone.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None, code: str = "", pause: float = 0):
        super().__init__(message, remedy, status=status, code=code)
        self.pause = pause


def is_transient(status: int) -> bool:
    """Whether a status means that the same request may succeed later."""
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def retrying(unit: Callable[[], _Result]) -> _Result:
    """Runs a unit until it does not fail by chance, with growing and scattered pauses.

    Raises:
        TransientError: every attempt failed, or the registry asks for a longer pause than is worth waiting for.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return unit()
        except TransientError as error:
            # Scattered, so that many who were refused together do not come back together.
            pause = max(error.pause, _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1))  # noqa: S311
            if attempt == ATTEMPTS or pause > _LONGEST_PAUSE:
                raise
            time.sleep(pause)
    raise AssertionError("unreachable")
