"""ASGI requests and responses (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = "application/json"
BLOB = "application/octet-stream"


class DisconnectedError(Exception):
    """The client closed the connection before it sent the whole request."""


class Request:
    """A request.

    Attributes:
        path: the decoded path.
        parameters: the parameters in the path, by the names in the route.
    """

    __slots__ = ("_headers", "_receive", "parameters", "path")

    def __init__(self, scope: Scope, receive: Receive, parameters: Mapping[str, str]) -> None:
        self.path: str = scope["path"]
        self.parameters = parameters
        self._headers = scope["headers"]
        self._receive = receive

    def header(self, name: str) -> str | None:
        """The value of a header; None if the request does not have it."""
        wanted = name.lower().encode()
        for found, value in self._headers:
            if found == wanted:
                return str(value, "latin-1")
        return None

    async def parts(self) -> AsyncIterator[bytes]:
        """Yields the parts of the body as they are received.

        Raises:
            DisconnectedError: the client closed the connection.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            more = message.get("more_body", False)
            part = message.get("body", b"")
            if part:
                yield part

    async def disconnected(self) -> None:
        """Waits until the client closes the connection; to be called after the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Answer(Protocol):
    """A response, whole or streamed."""

    async def send(self, send: Send) -> None:
        """Sends the response."""
        ...


class Response:
    """A response with a body of known length.

    Args:
        body: the body.
        status: the status code.
        headers: headers in addition to Content-Length and Content-Type.
        media_type: the Content-Type.
    """

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
    ) -> None:
        self._body = body
        self._status = status
        self._headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media_type.encode("latin-1"))]
        for name, value in (headers or {}).items():
            self._headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))

    @classmethod
    def of_json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A response whose body is a value as JSON."""
        return cls(json.dumps(value, separators=(",", ":")).encode(), status, headers)

    async def send(self, send: Send) -> None:
        """Sends the response."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})
