"""Connections whose requests h11 parses: it is pure Python."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .connections import Connection


class H11Connection(Connection, H11Protocol):
    """A connection by h11, which bounds the size of a head."""

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP, unless an answer has begun."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def _lacks_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _lacks_head(self) -> bool:
        return bool(self.conn.trailing_data[0])
