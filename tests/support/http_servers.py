"""HTTP servers for the length of a block, and the base of their handlers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer

_POLL = 0.01  # seconds until a server notices that it is to end


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open, sends the two packets of a response at once, and logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Serves in a thread for the block, and closes the server."""
    threading.Thread(target=server.serve_forever, args=(_POLL,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
