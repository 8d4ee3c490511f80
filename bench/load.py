"""Load for servers: each connection sends the next request once it has the response."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Load:
    """Response times of a server, in seconds.

    Attributes:
        each: total time divided by the number of requests.
        median: median of the response times.
        slow: 99th percentile of the response times.
    """

    each: float
    median: float
    slow: float


def load(port: int, request: bytes, count: int, connections: int) -> Load:
    """Sends a request `count` times.

    Raises:
        RuntimeError: the status of a response is not 200.
    """
    chooser = selectors.DefaultSelector()
    began, took, left = time.perf_counter(), [], count
    for _ in range(connections):
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(request)
        chooser.register(line, selectors.EVENT_READ, [time.perf_counter(), b""])
        left -= 1
    waiting = connections
    while waiting:
        for key, _ in chooser.select():
            line, state = key.fileobj, key.data
            state[1] += line.recv(1 << 16)  # type: ignore[union-attr]
            if not _whole(state[1]):
                continue
            now = time.perf_counter()
            took.append(now - state[0])
            if left:
                left -= 1
                state[:] = [now, b""]
                line.sendall(request)  # type: ignore[union-attr]
            else:
                waiting -= 1
                chooser.unregister(line)
                line.close()  # type: ignore[union-attr]
    seconds = time.perf_counter() - began
    cuts = quantiles(took, n=100)
    return Load(seconds / count, cuts[49], cuts[98])


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
