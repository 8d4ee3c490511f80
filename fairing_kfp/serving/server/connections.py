"""Deadlines of connections, and a limit on their number, for slow, silent and half-open clients.

httptools, which is compiled, parses the requests, or h11 on platforms without a wheel of httptools.
"""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING, Any

KEEP_ALIVE = 75  # seconds; longer than the idle time-outs of clients and proxies, so that they close connections first

_DEADLINES = {
    "head": 5.0,  # for the whole head of a request
    "body": 10.0,  # without a byte of the body
    "rest": 5.0,  # for the rest of a body whose request was rejected
    "reading": 20.0,  # without a byte of the response that the client reads
    "idle": KEEP_ALIVE + 5.0,
}
"""Deadlines in seconds, by what the connection waits for."""

_PRECISION = 0.001  # seconds, in which uvloop counts
_HEAD, _INFORMATIONAL = b"HTTP/1.1 ", b"HTTP/1.1 1"

_MAX_CONNECTIONS = 1000
_SPARE_FILES = 100  # file descriptors for other uses than connections
_MIN_CONNECTIONS = 32


class ConnectionLimit:
    """Limits the number of connections: above the limit, the one that waits longest for its client is closed.

    Attributes:
        maximum: the number of connections at a time.
        waiting: the connections that wait for their clients, the longest waiting one first.
    """

    def __init__(self, maximum: int = _MAX_CONNECTIONS) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        unlimited = files == resource.RLIM_INFINITY
        self.maximum = maximum if unlimited else max(_MIN_CONNECTIONS, min(maximum, files - _SPARE_FILES))
        self.waiting: dict[Connection, None] = {}

    def enforce(self, count: int, new: Connection) -> None:
        """Closes a connection if there are too many.

        Args:
            count: the number of open connections.
            new: the connection just opened, which is closed if no other one waits for its client.
        """
        if count > self.maximum:
            closed = next(iter(self.waiting), new)
            self.waiting.pop(closed, None)
            closed.transport.abort()


class ResponseWriter:
    """A transport that sends the head of a response with the first part of its body: one packet instead of two.

    Args:
        transport: the transport of the connection.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing  # called several times for each request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Writes a head, which waits for the next call, or a part of a body."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif data.startswith(_HEAD) and not data.startswith(_INFORMATIONAL):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Sends a head that has no body."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        """Closes the connection once everything is sent."""
        self.flush()
        self._transport.close()


if TYPE_CHECKING:

    class _Protocol(asyncio.Protocol):
        """The common attributes of uvicorn's connection classes."""

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
    """Adds deadlines to a connection of uvicorn.

    Args:
        limit: the limit on the number of connections.
        arguments: the arguments of uvicorn's class.
    """

    def __init__(self, limit: ConnectionLimit, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._limit = limit
        self._waits_for = ""
        self._last_read = 0.0
        self._unsent = 0
        self._deadline = self._wakes_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the head of a request."""
        super().connection_made(ResponseWriter(transport))  # type: ignore[arg-type]
        self._limit.enforce(len(self.connections), self)
        self._update_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the deadline."""
        self._set_deadline("")
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parses received bytes."""
        self._last_read = self.loop.time()
        super().data_received(data)
        self._update_deadline()

    def on_response_complete(self) -> None:
        """Starts to wait for the next request."""
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()
        self._update_deadline()

    def pause_writing(self) -> None:
        """Starts to wait for the client to read the response."""
        super().pause_writing()
        self._update_deadline()

    def resume_writing(self) -> None:
        """Ends the wait for the client to read."""
        super().resume_writing()
        self._update_deadline()

    def _has_partial_body(self) -> bool:
        """Whether the body of the current request is incomplete."""
        raise NotImplementedError

    def _has_partial_head(self) -> bool:
        """Whether a part of a head has been received."""
        raise NotImplementedError

    def _update_deadline(self) -> None:
        waits_for = self._wait_reason()
        if waits_for != self._waits_for:
            self._set_deadline(waits_for)

    def _wait_reason(self) -> str:
        """What the connection waits for: a key of `_DEADLINES`; empty if it does not wait for its client."""
        if self.transport.is_closing() or self.flow.write_paused:
            return "reading"
        if self.cycle is not None and not self.cycle.response_complete:
            return "body" if self.cycle.more_body else ""
        if self._has_partial_body():
            return "rest"
        return "head" if self.cycle is None or self._has_partial_head() else "idle"

    def _set_deadline(self, waits_for: str) -> None:
        self._waits_for = waits_for
        self._limit.waiting.pop(self, None)
        if waits_for:
            self._limit.waiting[self] = None
            self._start_timer(_DEADLINES[waits_for])
        if waits_for == "reading":
            self._unsent = self.transport.get_write_buffer_size()

    def _start_timer(self, seconds: float) -> None:
        """Sets the deadline; a timer that wakes earlier is kept, and then waits for the rest of the time."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None or self._wakes_at > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._wakes_at = self._deadline
            self._timer = self.loop.call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        left = self._deadline - self.loop.time()
        if self._waits_for and left > _PRECISION:
            self._start_timer(left)
        elif self._waits_for:
            self._on_deadline()

    def _on_deadline(self) -> None:
        unsent, waited = self.transport.get_write_buffer_size(), self.loop.time() - self._last_read
        if self._waits_for == "reading" and unsent < self._unsent:
            self._unsent = unsent
            self._start_timer(_DEADLINES["reading"])
        elif self._waits_for == "body" and waited < _DEADLINES["body"]:
            self._start_timer(_DEADLINES["body"] - waited)
        else:
            self.transport.abort()
