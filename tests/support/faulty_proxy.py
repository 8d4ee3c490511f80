"""A proxy to a real registry that injects a fault into one request, or into all from one on."""

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

from tests.support.listener import listening

STATUSES = (401, 404, 413, 429, 500, 502, 503, 504)
FAULTS = (
    "cut-before",  # the connection is reset before the request reaches the registry
    "cut-in-request",  # after half of the request's body
    "cut-after",  # the registry processed the request, and the response is lost
    "truncate-head",  # the response ends within its headers, with an orderly close
    "truncate-body",  # the response ends within its body, with an orderly close
    "drop-tls",  # TLS ends without close_notify, within the response
    "delay",  # the response is late
    "stall",  # the response comes after the client's timeout
    "repeat-request",  # the registry gets the request twice
    "repeat-answer",  # the client gets the response twice
    "expire",  # the registry gets an expired token
    *map(str, STATUSES),  # a status from the proxy
)
DELAY = 0.02


@dataclass
class FaultyProxy:
    """A TLS server that forwards requests, with a fault.

    Attributes:
        backend: `host:port` of the registry, over plain HTTP.
        host: `host:port` of the proxy.
        fault: one of `FAULTS`, or empty.
        at: index of the request with the fault.
        ever: whether later requests have the fault too.
        stall: delay of a stalled response, in seconds.
        expired: an expired token.
        requests: `METHOD path` of each request.
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
        """Counts a request and returns its fault."""
        with self.lock:
            index = len(self.requests)
            self.requests.append(line)
            return self.fault if index == self.at or (self.ever and index > self.at) else ""


class _Cut(Exception):
    """Ends the connection."""


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
            # Like a proxy that reads the whole request first; another test covers a response during the body.
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
            # A response without a body is truncated, too.
            self.client.sendall(head + body[: len(body) // 2] if body else head[:-2])
            self.end() if fault == "truncate-body" else self.reset(gently=True)
        if fault in ("delay", "stall"):
            time.sleep(DELAY if fault == "delay" else self.proxy.stall)
        self.client.sendall((head + body) * (2 if fault == "repeat-answer" else 1))

    def forward(self, head: bytes, body: bytes, whole: bool = True) -> tuple[bytes, bytes]:
        """Forwards a request and returns the response."""
        address, _, port = self.proxy.backend.partition(":")
        with socket.create_connection((address, int(port))) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The registry derives its Location headers from the scheme and host of the request.
            more = b"\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n"
            upstream.sendall(head.replace(b"\r\n\r\n", more, 1) + body)
            if not whole:
                return b"", b""
            with upstream.makefile("rb") as stream:
                answer = _head(stream)
                answer = answer.replace(b"Connection: close\r\n", b"")
                return answer, b"" if head.startswith(b"HEAD") else stream.read(_length(answer))

    def reset(self, gently: bool = False) -> None:
        """Ends the TCP connection: by a reset, or by an orderly close."""
        if not gently:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.client)
        self.reader.close()
        raise _Cut

    def end(self) -> None:
        """Ends the TLS connection."""
        with contextlib.suppress(OSError):
            self.client.setblocking(False)  # sends close_notify, and does not wait for the client's
            self.client.unwrap()
        self.client.close()
        raise _Cut


@contextlib.contextmanager
def faulty_proxy(backend: str, context: ssl.SSLContext) -> Iterator[FaultyProxy]:
    """Runs a proxy to a registry for the block, with the certificate of a server."""
    proxy = FaultyProxy(backend)

    def serve(plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as client:
            _Handler(proxy, client).serve()

    with listening(serve) as proxy.host:
        yield proxy
