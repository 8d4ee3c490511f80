"""Contexts of `docker build`, received by a stand-in for Docker Engine.

The client leaves out ignored files and sends the others as a tar archive; the engine does nothing about them.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from tests.support.http_servers import QuietHandler, running


class Contexts:
    """Receives contexts.

    Attributes:
        host: value of `DOCKER_HOST`.
        files: paths of the files in the last context.
    """

    def __init__(self) -> None:
        self.host = ""
        self.files: frozenset[str] = frozenset()


@contextlib.contextmanager
def receive_contexts() -> Iterator[Contexts]:
    """Listens on the loopback interface."""
    contexts = Contexts()

    class Handler(QuietHandler):
        def do_HEAD(self) -> None:
            self._answer(b"")

        def do_GET(self) -> None:
            self._answer(b"OK")

        def do_POST(self) -> None:
            with tarfile.open(fileobj=_Chunks(self.rfile), mode="r|") as archive:
                contexts.files = frozenset(member.name for member in archive if member.isfile())
            self.close_connection = True
            self._answer(json.dumps({"stream": "Successfully built 0123456789ab\n"}).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            for header, value in {
                "Api-Version": "1.41",
                "OSType": "linux",
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
            }.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    contexts.host = f"tcp://127.0.0.1:{server.server_port}"
    with running(server):
        yield contexts


class _Chunks:
    """The body of a request whose transfer encoding is chunked."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._data = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        while len(self._data) < size and not self._ended:
            length = int(self._body.readline(), 16)
            self._data += self._body.read(length)
            self._body.readline()
            self._ended = not length
        data, self._data = self._data[:size], self._data[size:]
        return data
