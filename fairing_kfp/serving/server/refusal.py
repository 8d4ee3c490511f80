"""A request that is not answered as it was wanted, and why."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the server
    """What a client did wrong, or why it has to come back later.

    Args:
        status: the HTTP status.
        message: what was expected, a sentence for the client.
        retry_after: the seconds after which it may try again.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def bad(message: str) -> Refusal:
    """A request that is malformed (400)."""
    return Refusal(400, message)
