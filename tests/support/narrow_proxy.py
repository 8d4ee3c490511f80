"""A proxy to a registry that limits the size of requests."""

from __future__ import annotations

import contextlib
import http.client
import http.server
from collections.abc import Iterator

from tests.support.http_servers import QuietHandler, running


@contextlib.contextmanager
def size_limiting_proxy(backend: str, limit: int) -> Iterator[str]:
    """Runs a proxy that answers a longer body with 413 before reading it, and closes the connection."""

    class Handler(QuietHandler):
        def pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > limit:
                self.close_connection = True
                self.send_response(413)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            upstream = http.client.HTTPConnection(backend)
            body = self.rfile.read(length)
            upstream.request(self.command, self.path, body, {**self.headers, "Content-Length": str(length)})
            answer = upstream.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
            upstream.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = pass_on

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with running(server):
        yield f"127.0.0.1:{server.server_port}"
