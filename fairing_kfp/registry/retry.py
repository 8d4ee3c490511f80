"""Retries of transient failures.

A broken upload session cannot be resumed on most registries. So the unit of a retry is a whole operation, such as
opening a session and sending a blob.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from fairing_kfp.errors import TransientError
from fairing_kfp.frozen import dataclass

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts and timeouts.

    Attributes:
        attempts: the number of attempts, including the first.
        first_pause: seconds between the first two attempts; each further pause is twice as long, with jitter.
        longest_pause: the longest `Retry-After` to wait for, in seconds; after a longer one the operation fails.
        connect: the connect timeout in seconds.
        read: seconds without bytes, or with next to none, after which an attempt fails.
        commit: the longest time to look for a blob that was sent without an answer, in seconds: a registry may hash or
            copy it first.
    """

    attempts: int = 5
    first_pause: float = 0.2
    longest_pause: float = 60
    connect: float = 10
    read: float = 60
    commit: float = 600


_DEFAULT = RetryPolicy()


def is_transient(status: int) -> bool:
    """Whether a request with this response status may succeed later."""
    return status in (408, 429) or (status >= 500 and status not in (501, 505))


def retry(
    operation: Callable[[], _Result],
    policy: RetryPolicy = _DEFAULT,
    wait: Callable[[float], None] = time.sleep,
    note: Callable[[str], None] = lambda text: None,
) -> _Result:
    """Runs an operation until it succeeds, with exponential backoff.

    Args:
        operation: the operation.
        policy: the attempts and pauses.
        wait: sleeps for a number of seconds.
        note: receives the reason for each retry.

    Raises:
        TransientError: all attempts failed, or the registry asks for a longer pause than the policy allows.
    """
    for attempt in range(1, policy.attempts + 1):
        try:
            return operation()
        except TransientError as error:
            import random  # on first use

            # Jitter keeps clients that failed together from retrying together.
            backoff = policy.first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311
            pause = max(error.pause, backoff)
            if attempt == policy.attempts or pause > policy.longest_pause:
                raise
            note(f"attempt {attempt} failed: {error.message}")
            wait(pause)
    raise AssertionError("unreachable")
