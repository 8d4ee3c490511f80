"""A registry that hashes uploads and discards them, or that stalls them."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, dump
from tests.support.http_servers import QuietHandler, running

_CHUNK = 1 << 20


@dataclass
class Discarding:
    """The state of the registry.

    Attributes:
        stuck: `reading` does not read bodies, `answering` reads them but does not answer, `refusing` answers 429.
        blobs: computed digest and size of each upload.
        uploading: set once there was an upload.
    """

    stuck: str
    host: str = ""
    blobs: set[tuple[str, int]] = field(default_factory=set)
    manifests: dict[str, bytes] = field(default_factory=dict)
    given: dict[str, bytes | Path] = field(default_factory=dict)
    sessions: dict[str, tuple[Any, int]] = field(default_factory=dict)
    uploading: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def give(self, path: Path, digest: str, size: int) -> None:
        """Adds a base image with one layer, tagged `1`."""
        rootfs = {"type": "layers", "diff_ids": [digest]}
        settings = {"Env": ["PYTHON_VERSION=3.11.2"]}
        config = dump({"os": "linux", "architecture": "amd64", "config": settings, "rootfs": rootfs})
        document = {
            "schemaVersion": 2,
            "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
            "layers": [Descriptor(OCI_LAYER, digest, size).document()],
        }
        self.given = {"1": dump(document), digest_of(config): config, digest: path}


class _Handler(QuietHandler):
    state: Discarding

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self) -> None:
        found = self.state.given.get(self.path.rpartition("/")[2])
        if isinstance(found, bytes):
            self.answer(200, Content_Length=str(len(found)), Content_Type=OCI_MANIFEST)
            self.wfile.write(found)
        elif found:
            self.answer(200, Content_Length=str(found.stat().st_size))
            with found.open("rb") as file:
                while data := file.read(_CHUNK):
                    self.wfile.write(data)
        else:
            self.answer(404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        session = f"/v2/upload/{len(self.state.sessions)}-{id(self)}"
        self.state.sessions[session] = hashlib.sha256(), 0
        self.answer(202, Location=session)

    def do_PATCH(self) -> None:
        path = urlsplit(self.path).path
        digest, size = self.state.sessions[path]
        left = int(self.headers["Content-Length"])
        self.state.uploading.set()
        if self.state.stuck == "refusing":
            self.close_connection = True
            return self.answer(429, Retry_After="50")
        if self.state.stuck == "reading":
            self.state.over.wait(60)
        while left and (data := self.rfile.read(min(left, _CHUNK))):
            digest.update(data)
            size += len(data)
            left -= len(data)
        if self.state.stuck == "answering":
            self.state.over.wait(60)
        self.state.sessions[path] = digest, size
        if self.command == "PATCH":
            self.answer(202, Location=path)
        else:
            self.state.blobs.add((f"sha256:{digest.hexdigest()}", size))
            asked = parse_qs(urlsplit(self.path).query)["digest"][0]
            self.answer(201 if asked == f"sha256:{digest.hexdigest()}" else 400)
        return None

    def do_PUT(self) -> None:
        if "/manifests/" in self.path:
            self.state.manifests[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201)
        else:
            self.do_PATCH()


@contextlib.contextmanager
def discarding_registry(stuck: str = "") -> Iterator[Discarding]:
    """Runs a registry for the block."""
    state = Discarding(stuck)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients may be gone
    state.host = f"127.0.0.1:{server.server_port}"
    with running(server):
        try:
            yield state
        finally:
            state.over.set()
