"""A proxy in front of a real registry that fails at one request, or from one on, in a way of the test's choice."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

STATUSES = (401, 404, 413, 429, 500, 502, 503, 504)
FAULTS = (
    "cut-before",  # the connection is reset before the request reaches the registry
    "cut-in-request",  # half of the request's body has arrived
    "cut-after",  # the registry did what it was asked, and its answer is lost
    "truncate-head",  # the answer breaks off in its header fields, and the connection ends in order
    "truncate-body",  # half of the answer's body arrives, and the connection ends in order
    "drop-tls",  # TLS ends without its farewell, amid the answer
    "delay",  # the answer comes late
    "stall",  # the answer comes later than anybody waits
    "repeat-request",  # the registry gets the request twice
    "repeat-answer",  # the client gets the answer twice
    "expire",  # the registry gets a token that has run out
    *map(str, STATUSES),  # a status of the proxy's own
)
DELAY = 0.02


@dataclass
class FaultyProxy:
    """A TLS server that passes everything on, but for its fault.

    Attributes:
        backend: the registry, spoken to over plain HTTP.
        fault: one of `FAULTS`, or nothing.
        at: the index of the request that it happens to.
        ever: whether it happens to those after it as well.
        stall: how many seconds a stalled answer takes.
        expired: a token that has run out.
        requests: `METHOD path` of each.
    """

    backend: str
    host: str = ""
    fault: str = ""
    at: int = 0
    ever: bool = False
    stall: float = 1.0
    expired: str = ""
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: str, at: int, ever: bool) -> None:
        with self.lock:
            self.fault, self.at, self.ever = fault, at, ever
            self.requests.clear()

    def next(self, line: str) -> str:
        """Counts a request, and gives its fault."""
        with self.lock:
            index = len(self.requests)
            self.requests.append(line)
            return self.fault if index == self.at or (self.ever and index > self.at) else ""


class _Cut(Exception):
    """The connection is to end now."""


def _head(stream: BinaryIO) -> bytes:
    lines = [stream.readline()]
    while lines[-1] not in (b"\r\n", b""):
        lines.append(stream.readline())
    return b"".join(lines)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _own(status: int) -> bytes:
    after = b"Retry-After: 0\r\n" if status in (429, 503) else b""
    return b"HTTP/1.1 %d Fault\r\n%bContent-Length: 5\r\n\r\nfault" % (status, after)


class _Handler:
    def __init__(self, proxy: FaultyProxy, client: ssl.SSLSocket) -> None:
        self.proxy, self.client = proxy, client
        self.reader = client.makefile("rb")

    def serve(self) -> None:
        with contextlib.suppress(OSError, _Cut, ValueError):
            while head := _head(self.reader):
                if not head.endswith(b"\r\n\r\n"):
                    return
                self.handle(head)

    def handle(self, head: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        fault = self.proxy.next(f"{method.decode()} {path.decode()}")
        if fault == "cut-before":
            self.reset()
        length = _length(head)
        if fault == "cut-in-request":
            self.forward(head, self.reader.read(length // 2), whole=False)
            self.reset()
        body = self.reader.read(length)
        if fault.isdecimal():
            # As a proxy does it that reads all first; a refusal amid the body is a test of its own.
            self.client.sendall(_own(int(fault))[: None if method != b"HEAD" else -5])
            return
        if fault == "expire":
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"authorization:")]
            head = b"\r\n".join([lines[0], b"Authorization: Bearer " + self.proxy.expired.encode(), *lines[1:]])
        if fault == "repeat-request":
            self.forward(head, body)
        answer, answer_body = self.forward(head, body)
        self.answer(fault, answer, answer_body)

    def answer(self, fault: str, head: bytes, body: bytes) -> None:
        if fault == "cut-after":
            self.reset()
        if fault == "truncate-head":
            self.client.sendall(head[: len(head) // 2])
            self.end()
        if fault in ("truncate-body", "drop-tls"):
            # An answer without a body breaks off before its end all the same.
            self.client.sendall(head + body[: len(body) // 2] if body else head[:-2])
            self.end() if fault == "truncate-body" else self.reset(gently=True)
        if fault in ("delay", "stall"):
            time.sleep(DELAY if fault == "delay" else self.proxy.stall)
        self.client.sendall((head + body) * (2 if fault == "repeat-answer" else 1))

    def forward(self, head: bytes, body: bytes, whole: bool = True) -> tuple[bytes, bytes]:
        """What the registry answers."""
        address, _, port = self.proxy.backend.partition(":")
        with socket.create_connection((address, int(port))) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The registry makes its locations from the scheme and the name that it was asked by.
            more = b"\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n"
            upstream.sendall(head.replace(b"\r\n\r\n", more, 1) + body)
            if not whole:
                return b"", b""
            with upstream.makefile("rb") as stream:
                answer = _head(stream)
                answer = answer.replace(b"Connection: close\r\n", b"")
                return answer, b"" if head.startswith(b"HEAD") else stream.read(_length(answer))

    def reset(self, gently: bool = False) -> None:
        """Ends the connection below TLS: by a reset, or as if all had been said."""
        if not gently:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.client)
        self.reader.close()
        raise _Cut

    def end(self) -> None:
        """Ends the connection as TLS wants it."""
        with contextlib.suppress(OSError):
            self.client.setblocking(False)  # says farewell, and does not wait to be told the same
            self.client.unwrap()
        self.client.close()
        raise _Cut


@contextlib.contextmanager
def faulty_proxy(backend: str, context: ssl.SSLContext) -> Iterator[FaultyProxy]:
    """Starts a proxy in front of a registry, with a server's certificate."""
    proxy = FaultyProxy(backend)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    proxy.host = f"127.0.0.1:{listener.getsockname()[1]}"

    def serve(plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as client:
            _Handler(proxy, client).serve()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        # Closing alone does not wake the thread that accepts.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
