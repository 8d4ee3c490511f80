"""A token server for a docker-registry, like that of Docker Hub for public images."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import subprocess
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.http_servers import running
from tests.support.services import require_program, run


@dataclass
class TokenServer:
    """Issues tokens of a docker-registry without credentials, as Docker Hub does for public images.

    Attributes:
        folder: folder with its key and certificate.
        expires_in: lifetime of its tokens, in seconds.
        asked: the scopes of each request.
        realm: its URL.
    """

    folder: Path
    expires_in: int = 300
    asked: list[list[str]] = field(default_factory=list)
    realm: str = ""

    def auth(self) -> dict[str, Any]:
        """The registry's `auth` settings that send clients to this server."""
        bundle = str(self.folder / "cert.pem")
        return {"token": {"realm": self.realm, "service": "test", "issuer": "tests", "rootcertbundle": bundle}}

    def token(self, scopes: list[str]) -> str:
        """A signed JSON web token (https://distribution.github.io/distribution/spec/auth/jwt/)."""
        certificate = "".join((self.folder / "cert.pem").read_text().split("\n")[1:-2])
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        now = int(time.time())
        claims = {
            "iss": "tests",
            "sub": "",
            "aud": "test",
            "iat": now,
            "nbf": now - 1,
            "exp": now + self.expires_in,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        payload = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self.folder / "key.pem")]
        signature = subprocess.run(command, input=payload.encode(), capture_output=True, check=True).stdout
        return f"{payload}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextlib.contextmanager
def serve_tokens(folder: Path) -> Iterator[TokenServer]:
    """Runs a token server for the block."""
    require_program("openssl")
    folder.mkdir(exist_ok=True)
    run(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=tests",
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(folder / "cert.pem"),
    )
    state = TokenServer(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scopes = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("scope", [])
            state.asked.append(scopes)
            body = json.dumps({"token": state.token(scopes), "expires_in": state.expires_in}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.realm = f"http://127.0.0.1:{server.server_port}/token"
    with running(server):
        yield state
