"""Connections whose requests httptools parses: it is compiled, and takes a third of the time."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .connections import Connection

_LARGEST_HEAD = 64 * 1024  # bytes, as h11 has it; also of the trailers of a body in chunks


class HttpToolsConnection(Connection, HttpToolsProtocol):
    """A connection by httptools, which bounds no head by itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._reading = ""  # "head" or "body"
        self._unparsed = 0  # bytes since the last part of a request that ended, or of its body

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent; a head that is too large is refused."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._reading and self._unparsed > _LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._reading = "head"
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._reading, self._unparsed = "body", 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived in full."""
        self._reading, self._unparsed = "", 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP, unless an answer has begun."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def _lacks_body(self) -> bool:
        return self._reading == "body"

    def _lacks_head(self) -> bool:
        return self._reading == "head"
