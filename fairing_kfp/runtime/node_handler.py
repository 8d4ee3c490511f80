"""The requests that a node answers.

POST /hello                 shows that the node knows its step; who has said it signs what follows on the connection
GET  /state?seconds=20      what it does; at once when its code has ended
PUT  /file?path=/a/b        lays a file
POST /start?sha256=…        has the code run: a `Work` as JSON
GET  /outputs               the files of the outputs: [[path, size], …]
GET  /file?path=/a/b        one of them
POST /end                   lets the node end
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

_LONGEST_WAIT = 30.0  # seconds
_PIECE = 1 << 20  # bytes
_LONGEST_HELLO = 200  # bytes
_STRANGER = "only the step that made the job is answered"


def handler(node: Node) -> type[BaseHTTPRequestHandler]:
    """The class that answers for a node."""

    class Handler(_Handler):
        pass

    Handler.node = node
    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120  # seconds in which something has to come over a connection
    node: Node
    _key = b""
    _nonces: tuple[str, ...] | list[str] = ()
    _count = 0

    def do_GET(self) -> None:
        self._answer({"/state": self._state, "/outputs": self._outputs, "/file": self._give_file})

    def do_PUT(self) -> None:
        self._answer({"/file": self._take_file})

    def do_POST(self) -> None:
        if self.path == handshake.HELLO:
            self._hello()
            return
        self._answer({"/start": self._start, "/end": self._end})

    def log_message(self, format: str, *args: Any) -> None:
        """The log is the code's."""

    def _answer(self, verbs: dict[str, Any]) -> None:
        place = urllib.parse.urlsplit(self.path)
        # Names of files are bytes.
        self.query = dict(urllib.parse.parse_qsl(place.query, errors="surrogateescape"))
        if not self._is_of_step():
            self.close_connection = True  # a body that was announced is not read
            self._say(401, {"error": _STRANGER})
        elif place.path not in verbs:
            self.close_connection = True
            self._say(404, {"error": f"there is no {place.path}"})
        else:
            with self.node.answering():
                self._do(verbs[place.path])

    def _hello(self) -> None:
        """Shows to know the step, and agrees on a key for this connection alone."""
        length, key = self.headers.get("Content-Length", ""), self.node.key()
        if self._key or not (length.isdecimal() and int(length) <= _LONGEST_HELLO) or not key:
            self.close_connection = True
            self._say(401, {"error": _STRANGER})
            return
        nonces = [self.rfile.read(int(length)).decode("latin-1"), handshake.new_nonce()]
        self._key, self._nonces = key, nonces
        said = handshake.proof(key, handshake.NODE, *nonces)
        self._say(200, {"public": self.node.public, "nonce": nonces[1], "proof": said})

    def _is_of_step(self) -> bool:
        """Whether a request is signed with the key of this connection, which is still that of the step."""
        self._count += 1
        words = (handshake.STEP, *self._nonces, self._count, self.command, self.path)
        given = self.headers.get("Authorization", "")
        if not self._key or self._key != self.node.key() or not handshake.is_proof(given, self._key, *words):
            return False
        self.server.welcome(self.connection)  # type: ignore[attr-defined]
        self.node.hear()
        return True

    def _do(self, verb: Any) -> None:
        status = 500
        try:
            verb()
            return
        except OSError as error:
            said = f"{error.strerror or error}: {error.filename or self.query.get('path', self.path)}"
        except (KeyError, TypeError, ValueError) as error:
            status, said = 400, f"{self.path}: {error!r}"
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._say(status, {"error": said})

    def _state(self) -> None:
        self._say(200, self.node.wait(min(float(self.query.get("seconds", 0)), _LONGEST_WAIT)))

    def _outputs(self) -> None:
        paths = self.node.outputs()
        self._say(200, [file for path in paths for file in node_files.files_below(path)])

    def _give_file(self) -> None:
        path = self.query["path"]
        if not node_files.is_within(path, self.node.outputs()):
            self._say(404, {"error": f"{path} is no output"})
            return
        with open(path, "rb") as file:
            left = os.fstat(file.fileno()).st_size
            self.send_response(200)
            self.send_header("Content-Length", str(left))
            self.end_headers()
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    self.close_connection = True
                    return  # it became shorter: the step sees that something lacks
                self.wfile.write(piece)
                left -= len(piece)
                self.node.hear()

    def _take_file(self) -> None:
        path = os.path.normpath(self.query["path"])
        left = int(self.headers["Content-Length"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # A name of its own: one that was broken off may still be at it.
        handle, partial = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as file:
                while left:
                    piece = self.rfile.read(min(left, _PIECE))
                    if not piece:
                        self.close_connection = True
                        return  # broken off; it comes again
                    left -= len(piece)
                    self.node.hear()
                    file.write(piece)
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        self._say(200, {})

    def _start(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if hashlib.sha256(body).hexdigest() != self.query["sha256"]:
            raise ValueError("this is not the work that was signed")
        self.node.start(Work.parse(body))
        self._say(200, self.node.state())

    def _end(self) -> None:
        self._say(200, {})
        self.node.dismiss()

    def _say(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
