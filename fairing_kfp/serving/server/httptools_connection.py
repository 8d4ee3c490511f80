"""Connections that parse requests with httptools, which is compiled and takes a third of h11's time."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connections import Connection

_MAX_HEAD = 64 * 1024  # bytes, the limit of h11; also for the trailers of a chunked body


class HttpToolsConnection(Connection, HttpToolsProtocol):
    """A connection that parses requests with httptools, and limits the size of a request's head."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._reading = ""  # "head" or "body"
        self._unparsed = 0  # bytes received since the last event of the parser

    def data_received(self, data: bytes) -> None:
        """Parses received bytes; rejects a head that is too large."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._reading and self._unparsed > _MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """Starts to count the bytes of a head."""
        self._reading = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Ends the count of a head's bytes."""
        self._reading, self._unparsed = "body", 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Resets the count at each part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the request."""
        self._reading, self._unparsed = "", 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Rejects invalid HTTP with 400; closes the connection if a response has started."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _has_partial_body(self) -> bool:
        return self._reading == "body"

    def _has_partial_head(self) -> bool:
        return self._reading == "head"
