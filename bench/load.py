"""Load for servers: connections that send the next request once they have the response, or a fixed rate."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles

_PAUSE = 0.0005  # seconds between two turns of a busy loop, above which the process did not run


@dataclass(frozen=True)
class Load:
    """Response times of a server, in seconds.

    Attributes:
        each: total time divided by the number of requests.
        median: median of the response times.
        slow: 99th percentile of the response times.
        client: CPU time of this process, divided by the number of requests.
    """

    each: float
    median: float
    slow: float
    client: float


def load(port: int, request: bytes, count: int, connections: int) -> Load:
    """Sends a request `count` times.

    Raises:
        RuntimeError: the status of a response is not 200.
    """
    began, cpu, took, left = time.perf_counter(), time.process_time(), [], count
    with _connected(port, connections) as (chooser, lines):
        for line in lines:
            line.send(request)
        left -= connections
        while len(took) < count:
            for key, _ in chooser.select():
                if (seconds := key.data.receive()) is None:
                    continue
                took.append(seconds)
                if left:
                    left -= 1
                    key.data.send(request)
    seconds = time.perf_counter() - began
    cuts = quantiles(took, n=100)
    return Load(seconds / count, cuts[49], cuts[98], (time.process_time() - cpu) / count)


def steady(port: int, request: bytes, rate: int, count: int, connections: int) -> Load:
    """Sends a request `count` times, `rate` times a second, whether responses arrive or not.

    A response time begins when its request is due, so that a request that waits for a free connection counts in full.
    The process does not sleep meanwhile, and needs a core. If the kernel runs another process on it, no request is due
    until this process goes on, and the requests in progress do not count: their responses would be read late.

    Raises:
        RuntimeError: the status of a response is not 200.
    """
    took: list[float] = []
    with _connected(port, connections) as (chooser, lines):
        idle, sent, began = deque(lines), 0, time.perf_counter()
        last, resumed = began, 0.0  # the last turn, and the first one after a pause
        while sent < count or len(idle) < connections:
            now = time.perf_counter()
            if now - last > _PAUSE:
                began, resumed = began + now - last, now
            last, due = now, began + sent / rate
            if sent < count and idle and now >= due:
                idle.popleft().send(request, due)
                sent += 1
            for key, _ in chooser.select(0):
                if (seconds := key.data.receive()) is not None:
                    if key.data.sent >= resumed:
                        took.append(seconds)
                    idle.append(key.data)
        total = time.perf_counter() - began
    cuts = quantiles(took, n=100)
    return Load(total / count, cuts[49], cuts[98], total / count)


class _Line:
    """A connection with at most one request in progress.

    Attributes:
        sent: when the request was sent.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self._since, self._answer = 0.0, 0.0, b""

    def send(self, request: bytes, since: float = 0.0) -> None:
        self.sent, self._answer = time.perf_counter(), b""
        self._since = since or self.sent
        self.socket.sendall(request)

    def receive(self) -> float | None:
        """Reads what has arrived; returns the response time once the response is complete."""
        self._answer += self.socket.recv(1 << 16)
        return time.perf_counter() - self._since if _whole(self._answer) else None


@contextmanager
def _connected(port: int, connections: int) -> Iterator[tuple[selectors.BaseSelector, list[_Line]]]:
    with selectors.DefaultSelector() as chooser:
        lines = [_Line(port) for _ in range(connections)]
        try:
            for line in lines:
                chooser.register(line.socket, selectors.EVENT_READ, line)
            yield chooser, lines
        finally:
            for line in lines:
                line.socket.close()


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        if not answer:
            raise RuntimeError("the server closed the connection")
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer.decode(errors="replace"))
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    if b"content-length" in headers:
        return len(body) >= int(headers[b"content-length"])
    return body.endswith(b"\r\n0\r\n\r\n")  # in chunks
