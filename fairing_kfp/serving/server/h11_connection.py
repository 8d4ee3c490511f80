"""Connections that parse requests with h11, which is pure Python."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .connections import Connection


class H11Connection(Connection, H11Protocol):
    """A connection that parses requests with h11, which limits the size of a request's head itself."""

    def send_400_response(self, msg: str) -> None:
        """Rejects invalid HTTP with 400; closes the connection if a response has started."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def _has_partial_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _has_partial_head(self) -> bool:
        return bool(self.conn.trailing_data[0])
