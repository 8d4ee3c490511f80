"""Which hosts see the client certificate."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials, StaticCredentials
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.tls import Tls
from tests.support.authority import Authority, make_authority
from tests.support.http_servers import running
from tests.support.scripted_registry import ACCESS, BLOB, BLOB_DIGEST


class Host(ThreadingHTTPServer):
    """A TLS server that asks for a certificate, and records whether it got one, by request."""

    daemon_threads = True

    def __init__(self, authority: Authority, answer: Callable[[str, Any], tuple[int, dict[str, str], bytes]]) -> None:
        self.shown: list[tuple[str, bool]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.shown.append((self.path.partition("?")[0], bool(self.connection.getpeercert())))
                status, headers, body = answer(self.path, self.headers)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        context = authority.server_context()
        context.load_verify_locations(authority.ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.name = f"127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(*hosts: Host) -> Iterator[None]:
    with contextlib.ExitStack() as servers:
        for host in hosts:
            servers.enter_context(running(host))
        yield


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("layout", ["setting", "folder"])
def test_only_the_registry_sees_it(authority: Authority, tmp_path: Path, layout: str) -> None:
    token = json.dumps({"token": "t"}).encode()
    storage = Host(authority, lambda path, headers: (200, {}, BLOB))
    tokens = Host(authority, lambda path, headers: (200, {}, token))

    def registry_answer(path: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
        if "Authorization" not in headers:
            return 401, {"WWW-Authenticate": f'Bearer realm="https://{tokens.name}/token"'}, b""
        return 307, {"Location": f"https://{storage.name}/blob"}, b""

    registry = Host(authority, registry_answer)
    folders = authority.trusted_for(tmp_path, registry.name)
    if layout == "folder":
        (folders / registry.name / "me.cert").write_bytes((authority.folder / "client.crt").read_bytes())
        (folders / registry.name / "me.key").write_bytes((authority.folder / "client.key").read_bytes())
    client = RegistryClient(
        credentials=StaticCredentials({registry.name: Credentials("me", "s3cret")}),
        tls=Tls(str(authority.ca), str(authority.client) if layout == "setting" else None, (folders,)),
    )
    with serving(registry, tokens, storage):
        assert Repository(client, registry.name, "team/app", ACCESS).blob(BLOB_DIGEST) == BLOB
        client.close()
    path = f"/v2/team/app/blobs/{BLOB_DIGEST}"
    assert registry.shown == [(path, True), (path, True)]
    assert tokens.shown == [("/token", False)]
    assert storage.shown == [("/blob", False)]
