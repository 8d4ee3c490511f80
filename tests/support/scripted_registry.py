"""A registry that answers by script and records its requests."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.token import Access
from tests.support.http_servers import QuietHandler, running

ACCESS: Access = frozenset({push("team/app"), pull("base/python")})
BLOB = b"blob" * 1000
BLOB_DIGEST = digest_of(BLOB)
MANIFEST = Manifest(b'{"schemaVersion":2,"layers":[]}')
UPLOAD = "/v2/team/app/blobs/uploads/"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        cut: the connection is reset after so many bytes of the body; at 0, before the response.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Server:
    """Sends `answers` in order, or the result of `rule`; then status 500."""

    host: str = ""
    answers: list[Answer] = field(default_factory=list)
    rule: Callable[[Request], Answer] | None = None
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def answer(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            if self.rule:
                return self.rule(request)
            return self.answers.pop(0) if self.answers else Answer(500)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(QuietHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = state.answer(Request(self.command, self.path, dict(self.headers.items()), body))
            if answer.cut == 0:
                return self.reset()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut])
            return self.reset() if answer.cut else None

        do_GET = do_DELETE = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any

        def reset(self) -> None:
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.host = f"127.0.0.1:{server.server_port}"
    with running(server):
        yield state


def put(repository: Repository, data: bytes = BLOB, **options: Any) -> str:
    """Pushes a blob."""
    return repository.put_blob(digest_of(data), len(data), lambda: io.BytesIO(data), **options)


def errors(code: str, message: str = "") -> bytes:
    """The body of an error response."""
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
