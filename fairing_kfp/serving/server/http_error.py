"""The exception for error responses to a request."""

from __future__ import annotations

_MAX_MESSAGE = 1000  # characters, since messages quote parts of requests


class HTTPError(Exception):
    """An error response: the request is invalid, or the server rejects it for now.

    Args:
        status: the HTTP status code.
        message: the error and what is expected, for the client; truncated to 1000 characters.
        retry_after: the seconds after which the client may retry.
        allow: the allowed methods, for a 405 response.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None, allow: str | None = None) -> None:
        message = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if allow:
            self.headers["Allow"] = allow


def bad_request(message: str) -> HTTPError:
    """The error for a malformed request (400)."""
    return HTTPError(400, message)
