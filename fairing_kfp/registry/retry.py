"""Doing again what failed by chance.

A broken upload session is dead on most registries, so what is done again is always a whole unit: the opening of the
session and the sending of the blob.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fairing_kfp.errors import RegistryError

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Patience:
    """How long a registry is waited for, and how often it is asked again.

    Attributes:
        attempts: how often a unit is tried in all.
        first_pause: seconds between the first two attempts; each pause is twice the one before, and scattered.
        longest_pause: what a registry may ask for at most; for more, the failure is reported instead.
        connect: seconds until a connection is there.
        read: seconds until the next bytes of an answer come.
        commit: the same, after something was sent: a registry may hash or copy a whole blob before it answers.
    """

    attempts: int = 5
    first_pause: float = 0.2
    longest_pause: float = 60
    connect: float = 10
    read: float = 60
    commit: float = 600


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


def retrying(
    unit: Callable[[], _Result],
    patience: Patience = Patience(),
    wait: Callable[[float], None] = time.sleep,
) -> _Result:
    """Runs a unit until it does not fail by chance, with growing and scattered pauses.

    Args:
        unit: what is tried.
        patience: how often, and how long after each other.
        wait: spends the seconds between two attempts.

    Raises:
        TransientError: every attempt failed, or the registry asks for a longer pause than is worth waiting for.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return unit()
        except TransientError as error:
            # Scattered, so that many who were refused together do not come back together.
            usual = patience.first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311
            pause = max(error.pause, usual)
            if attempt == patience.attempts or pause > patience.longest_pause:
                raise
            wait(pause)
    raise AssertionError("unreachable")
