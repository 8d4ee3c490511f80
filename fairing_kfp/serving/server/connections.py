"""Connections of slow, silent and half-open clients: each has deadlines, and gives way to those of others.

Requests are parsed by httptools, which is compiled, or by h11 where there is no wheel of it.
"""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING, Any

KEEP_ALIVE = 75  # seconds; longer than clients and proxies keep idle connections, so that they close them, not we

_SECONDS = {
    "head": 5.0,  # for the whole head of a request
    "body": 10.0,  # without a byte of the body
    "rest": 5.0,  # for the rest of a body that was refused
    "reading": 20.0,  # without a byte that the client takes of the answer
    "idle": KEEP_ALIVE + 5.0,
}
"""How long a client may owe something."""

_MOST = 1000
_SPARE_FILES = 100  # that are no connections
_LEAST = 32


class Crowd:
    """The connections whose clients owe something, of which the longest waiting one is closed where there are too many.

    Attributes:
        most: connections at a time.
        owing: the connections, the one that has been waiting the longest first.
    """

    def __init__(self, most: int = _MOST) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = most if files == resource.RLIM_INFINITY else max(_LEAST, min(most, files - _SPARE_FILES))
        self.owing: dict[Connection, None] = {}

    def make_room(self, count: int, newcomer: Connection) -> None:
        """Closes a connection if there are too many.

        Args:
            count: how many there are.
            newcomer: closed itself if all others are being answered.
        """
        if count > self.most:
            victim = next(iter(self.owing), newcomer)
            self.owing.pop(victim, None)
            victim.transport.abort()


if TYPE_CHECKING:

    class _Protocol(asyncio.Protocol):
        """What uvicorn's connections have in common."""

        loop: asyncio.AbstractEventLoop
        transport: asyncio.Transport
        connections: set[Any]
        flow: Any
        cycle: Any

        def __init__(self, **arguments: Any) -> None: ...
        def on_response_complete(self) -> None: ...
        def send_400_response(self, msg: str) -> None: ...
        def _unset_keepalive_if_required(self) -> None: ...

else:
    _Protocol = object


class Connection(_Protocol):
    """Deadlines for what a client owes, for the connections of uvicorn.

    Args:
        crowd: all connections.
        arguments: as of uvicorn's.
    """

    def __init__(self, crowd: Crowd, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._crowd = crowd
        self._owes = ""
        self._heard = 0.0
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a head."""
        super().connection_made(transport)
        self._crowd.make_room(len(self.connections), self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        self._owe("")
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Takes what the client sent."""
        self._heard = self.loop.time()
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begins to wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Begins to wait until the client takes something of the answer."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Ends that."""
        super().resume_writing()
        self._watch()

    def _lacks_body(self) -> bool:
        """Whether the body of a request that was answered has not arrived in full."""
        raise NotImplementedError

    def _lacks_head(self) -> bool:
        """Whether a head has begun to arrive, and has not ended."""
        raise NotImplementedError

    def _watch(self) -> None:
        owes = self._owed()
        if owes != self._owes:
            self._owe(owes)

    def _owed(self) -> str:
        """What the client owes: a key of `_SECONDS`, or nothing."""
        if self.transport.is_closing() or self.flow.write_paused:
            return "reading"
        if self.cycle is not None and not self.cycle.response_complete:
            return "body" if self.cycle.more_body else ""
        if self._lacks_body():
            return "rest"
        return "head" if self.cycle is None or self._lacks_head() else "idle"

    def _owe(self, owes: str) -> None:
        self._owes = owes
        self._crowd.owing.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if owes:
            self._crowd.owing[self] = None
            self._left = self.transport.get_write_buffer_size()
            self._timer = self.loop.call_later(_SECONDS[owes], self._late)

    def _late(self) -> None:
        left, waited = self.transport.get_write_buffer_size(), self.loop.time() - self._heard
        if self._owes == "reading" and left < self._left:
            self._left = left
            self._timer = self.loop.call_later(_SECONDS["reading"], self._late)
        elif self._owes == "body" and waited < _SECONDS["body"]:
            self._timer = self.loop.call_later(_SECONDS["body"] - waited, self._late)
        else:
            self.transport.abort()
