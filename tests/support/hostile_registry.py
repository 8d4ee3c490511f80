"""A registry with a token server that answers one request with any bytes, and the others as it should."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fairing_kfp.image import Layer
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, Descriptor, digest_of, dump
from fairing_kfp.layers.files import layer_of_files
from tests.support.listener import listening

LOGIN = ("someone", "n0t-a-real-passw0rd")
TOKEN = "n0t.a-real.t0ken"
_LAYER = layer_of_files("base", [])
_DATA = _LAYER.open().read()
_CONFIG = dump(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PYTHON_VERSION=3.11.2"]},
        "rootfs": {"type": "layers", "diff_ids": [_LAYER.diff_id]},
    }
)
_MANIFEST = dump(
    {
        "schemaVersion": 2,
        "config": Descriptor(OCI_CONFIG, digest_of(_CONFIG), len(_CONFIG)).document(),
        "layers": [Descriptor(OCI_LAYER, _LAYER.digest, _LAYER.size).document()],
    }
)
STEPS = {
    "challenge": r"GET /v2/base/manifests/\S+ anonymous",
    "token": r"GET /token",
    "manifest": r"GET /v2/base/manifests/\S+ login",
    "config": r"GET /v2/base/blobs/",
    "mount": r"POST \S+mount=\S+&from=base ",
    "session": r"POST /v2/team/app/blobs/uploads/(\?mount=\S+&from=team%2Fapp)? ",
    "upload": r"PUT /upload/",
    "push": r"PUT /v2/team/app/manifests/",
    "storage": r"GET /storage/",
}


def base_documents() -> tuple[bytes, Layer, bytes]:
    """The config, the layer and the manifest of a small base image."""
    return _CONFIG, _LAYER, _MANIFEST


@dataclass
class HostileRegistry:
    """A registry on loopback.

    Attributes:
        host: `127.0.0.1:port`.
        step: a key of `STEPS`: the requests with the hostile answer.
        answer: its bytes.
        seen: the requests with that answer.
    """

    host: str = ""
    step: str = ""
    answer: bytes | Callable[[bytes], bytes] = b""
    seen: int = 0
    lines: list[str] = field(default_factory=list)

    def reply(self, head: bytes, body: bytes) -> tuple[bytes, bool]:
        """The response to a request, and whether the connection stays open."""
        line = head.partition(b" HTTP/")[0].decode()
        known = "login" if re.search(rb"(?im)^authorization:", head) else "anonymous"
        self.lines.append(f"{line} {known}")
        if self.step and re.match(STEPS[self.step], f"{line} {known}"):
            self.seen += 1
            return (self.answer(head + body) if callable(self.answer) else self.answer), False
        if line.startswith("GET /token"):
            return _answer(200, json.dumps({"token": TOKEN}).encode()), True
        if known == "anonymous":
            realm = f'Bearer realm="http://{self.host}/token",service="s"'
            return _answer(401, b"", **{"WWW-Authenticate": realm}), True
        if "/manifests/" in line:
            return (_answer(200, _MANIFEST) if line.startswith("GET") else _answer(201)), True
        if line.startswith("POST"):
            return _answer(202, Location="/upload/1"), True
        if line.startswith("PUT"):
            return _answer(201), True
        if digest_of(_CONFIG) in line:
            if self.step == "storage":
                return _answer(307, Location="/storage/1"), True
            return _answer(200, _CONFIG), True
        return _answer(200, _DATA), True


def _answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Content-Length": str(len(body)), **headers}.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def secrets_sent() -> list[str]:
    """What must not be shown."""
    return [LOGIN[1], TOKEN, base64.b64encode(":".join(LOGIN).encode()).decode()]


@contextlib.contextmanager
def hostile_registry() -> Iterator[HostileRegistry]:
    """Runs the registry for the block."""
    registry = HostileRegistry()

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
            while head := b"".join(itertools.takewhile(lambda line: line.strip(), stream)):
                length = re.search(rb"(?im)^content-length: *(\d+)", head)
                reply, alive = registry.reply(head, stream.read(int(length[1])) if length else b"")
                connection.sendall(reply)
                if not alive:
                    return

    with listening(serve) as registry.host:
        yield registry
