"""The HTTP API of a node.

POST /hello                 authenticates the node; the client then signs all requests of the connection
GET  /state?seconds=20      the state, after the code has exited or these seconds have passed
PUT  /file?path=/a/b        writes a file
POST /start?sha256=…        starts the code; the body is a `Work` as JSON
GET  /outputs               the files of the outputs: [[path, size], …]
GET  /file?path=/a/b        reads one of these files
POST /end                   lets the node exit
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import urllib.parse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from . import handshake, node_files
from .work import Work

if TYPE_CHECKING:
    from .node import Node

_MAX_WAIT = 30.0  # seconds
_CHUNK = 1 << 20  # bytes
_MAX_HELLO = 200  # bytes
_UNAUTHORIZED = "unauthorized: only the step that created the job may send requests"


def handler(node: Node) -> type[BaseHTTPRequestHandler]:
    """The class of request handlers for a node."""

    class Handler(_Handler):
        pass

    Handler.node = node
    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the head and the body of a response leave at once, one after the other
    timeout = 120  # seconds without data on a connection
    node: Node
    _key = b""
    _nonces: tuple[str, ...] | list[str] = ()
    _count = 0

    def do_GET(self) -> None:
        self._dispatch({"/state": self._state, "/outputs": self._outputs, "/file": self._get_file})

    def do_PUT(self) -> None:
        self._dispatch({"/file": self._put_file})

    def do_POST(self) -> None:
        if self.path == handshake.HELLO:
            self._hello()
            return
        self._dispatch({"/start": self._start, "/end": self._end})

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the log is that of the user's code."""

    def _dispatch(self, handlers: dict[str, Any]) -> None:
        url = urllib.parse.urlsplit(self.path)
        # File names may contain bytes that are not UTF-8.
        self.query = dict(urllib.parse.parse_qsl(url.query, errors="surrogateescape"))
        if not self._is_authorized():
            self.close_connection = True  # the body is not read
            self._send_json(401, {"error": _UNAUTHORIZED})
        elif url.path not in handlers:
            self.close_connection = True
            self._send_json(404, {"error": f"{url.path} does not exist"})
        else:
            with self.node.active_request():
                self._run(handlers[url.path])

    def _hello(self) -> None:
        """Authenticates the node to the client, and sets the key and the nonces of this connection."""
        length, key = self.headers.get("Content-Length", ""), self.node.key()
        if self._key or not (length.isdecimal() and int(length) <= _MAX_HELLO) or not key:
            self.close_connection = True
            self._send_json(401, {"error": _UNAUTHORIZED})
            return
        nonces = [self.rfile.read(int(length)).decode("latin-1"), handshake.new_nonce()]
        self._key, self._nonces = key, nonces
        proof = handshake.proof(key, handshake.NODE, *nonces)
        self._send_json(200, {"public": self.node.public, "nonce": nonces[1], "proof": proof})

    def _is_authorized(self) -> bool:
        """Whether the request is signed with the key of this connection, and the step still has that key."""
        self._count += 1
        words = (handshake.STEP, *self._nonces, self._count, self.command, self.path)
        given = self.headers.get("Authorization", "")
        if not self._key or self._key != self.node.key() or not handshake.is_proof(given, self._key, *words):
            return False
        self.server.set_authenticated(self.connection)  # type: ignore[attr-defined]
        self.node.record_contact()
        return True

    def _run(self, handle: Any) -> None:
        status = 500
        try:
            handle()
            return
        except OSError as error:
            message = f"{error.strerror or error}: {error.filename or self.query.get('path', self.path)}"
        except (KeyError, TypeError, ValueError) as error:
            status, message = 400, f"{self.path}: {error!r}"
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._send_json(status, {"error": message})

    def _state(self) -> None:
        self._send_json(200, self.node.wait(min(float(self.query.get("seconds", 0)), _MAX_WAIT)))

    def _outputs(self) -> None:
        paths = self.node.outputs()
        self._send_json(200, [file for path in paths for file in node_files.files_below(path)])

    def _get_file(self) -> None:
        path = self.query["path"]
        if not node_files.is_within(path, self.node.outputs()):
            self._send_json(404, {"error": f"{path} is not an output"})
            return
        with open(path, "rb") as file:
            left = os.fstat(file.fileno()).st_size
            self.send_response(200)
            self.send_header("Content-Length", str(left))
            self.end_headers()
            while left:
                chunk = file.read(min(left, _CHUNK))
                if not chunk:
                    self.close_connection = True
                    return  # the file was truncated; the client detects the incomplete response
                self.wfile.write(chunk)
                left -= len(chunk)
                self.node.record_contact()

    def _put_file(self) -> None:
        path = os.path.normpath(self.query["path"])
        left = int(self.headers["Content-Length"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # A unique name, since an interrupted upload of the same file may still be writing.
        handle, partial = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as file:
                while left:
                    chunk = self.rfile.read(min(left, _CHUNK))
                    if not chunk:
                        self.close_connection = True
                        return  # interrupted; the client retries
                    left -= len(chunk)
                    self.node.record_contact()
                    file.write(chunk)
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        self._send_json(200, {})

    def _start(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if hashlib.sha256(body).hexdigest() != self.query["sha256"]:
            raise ValueError("the body does not match the signed digest")
        self.node.start(Work.parse(body))
        self._send_json(200, self.node.state())

    def _end(self) -> None:
        self._send_json(200, {})
        self.node.release()

    def _send_json(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
