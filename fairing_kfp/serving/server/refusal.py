"""A request that is not answered as it was wanted, and why."""

from __future__ import annotations

_LONGEST = 1000  # characters, since messages repeat parts of requests


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the server
    """What a client did wrong, or why it has to come back later.

    Args:
        status: the HTTP status.
        message: what was expected, a sentence for the client; cut off where it is long.
        retry_after: the seconds after which it may try again.
        allow: the methods that would be answered.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None, allow: str | None = None) -> None:
        message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if allow:
            self.headers["Allow"] = allow


def bad(message: str) -> Refusal:
    """A request that is malformed (400)."""
    return Refusal(400, message)
