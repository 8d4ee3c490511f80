"""Single connections: requests as they are sent, early responses, and proxies."""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError, RegistryError
from fairing_kfp.registry.connection import Connection, Proxy
from fairing_kfp.registry.response import ProtocolError
from fairing_kfp.registry.tls import Tls
from fairing_kfp.registry.transport import Transport
from fairing_kfp.registry.url import Url
from tests.support.authority import make_authority
from tests.support.listener import listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def exchange(method: str, body: bytes | io.BytesIO | None, headers: dict[str, str], proxy: Proxy | None = None) -> str:
    """What a server receives."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK)
        response = Connection(ours, proxy).send(
            method, Url.parse("http://registry.example.com:5000/v2/a?b=c"), headers, body, lambda reusable: None
        )
        assert response.read(9) == b"ok"
        response.release()
        return theirs.recv(10_000).decode()


def test_requests() -> None:
    head = "GET /v2/a?b=c HTTP/1.1\r\nHost: registry.example.com:5000\r\nAccept-Encoding: identity\r\n"
    assert exchange("GET", None, {"A": "b"}) == f"{head}A: b\r\n\r\n"
    assert exchange("POST", None, {}) == f"{head}Content-Length: 0\r\n\r\n".replace("GET", "POST")
    assert exchange("PUT", b"abc", {}) == f"{head}Content-Length: 3\r\n\r\nabc".replace("GET", "PUT")
    file = {"Content-Length": "2"}  # a longer file is sent up to its length
    assert exchange("PUT", io.BytesIO(b"abc"), file) == f"{head}Content-Length: 2\r\n\r\nab".replace("GET", "PUT")


def test_a_proxy_receives_the_whole_url_and_its_login() -> None:
    proxy = Proxy.parse("http://me:p%40ss@proxy.example.com:3128")
    assert proxy.url == Url.parse("http://proxy.example.com:3128")
    sent = exchange("GET", None, {}, proxy)
    assert sent.startswith("GET http://registry.example.com:5000/v2/a?b=c HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in sent


@pytest.mark.parametrize("text", ["", "proxy", "socks5://proxy:1", "http://", "http://a b/", "http://[::1"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(ConfigError, match="not the URL of a proxy"):
        Proxy.parse(text)


def test_a_file_that_is_too_short() -> None:
    with pytest.raises(ProtocolError, match="shorter than expected, by 1 bytes"):
        exchange("PUT", io.BytesIO(b"ab"), {"Content-Length": "3"})


def test_a_line_break_in_a_header_field_is_not_sent() -> None:
    with pytest.raises(ValueError, match="line break"):
        exchange("GET", None, {"A": "b\r\nC: d"})


def test_a_response_before_the_end_of_a_request() -> None:
    """It is read, and the connection is not used again."""
    ours, theirs = socket.socketpair()
    ended: list[bool] = []
    with ours:
        theirs.sendall(OK.replace(b"200 OK", b"413 No"))
        theirs.shutdown(socket.SHUT_RD)
        url, size = Url.parse("http://registry.example.com/"), 1 << 22
        headers = {"Content-Length": str(size)}
        response = Connection(ours).send("PUT", url, headers, io.BytesIO(bytes(size)), ended.append)
        assert (response.status, response.read(9)) == (413, b"ok")
        response.release()
    theirs.close()
    assert ended == [False]


def test_an_idle_connection_that_the_peer_closes() -> None:
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    assert connection.is_open
    theirs.close()
    assert not connection.is_open
    connection.close()


def test_tls_through_a_proxy_that_is_reached_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))

    def answer(connection: socket.socket) -> None:
        with authority.server_context().wrap_socket(connection, server_side=True) as secured:
            assert secured.recv(1000).startswith(b"GET /v2/ ")
            secured.sendall(OK)
            secured.recv(1)

    with (
        listening(answer) as registry,
        listening(lambda client: forward(authority.server_context, client, registry)) as by,
    ):
        monkeypatch.setattr("fairing_kfp.registry.transport.proxy_for", lambda url: f"https://{by}")
        transport = Transport(tls=Tls(folders=()))
        response = transport.send("GET", Url.parse(f"https://{registry}/v2/"), {}, None, "registry.example.com")
        assert (response.status, response.read(9)) == (200, b"ok")
        response.close()


def forward(context: Callable[[], object], client: socket.socket, to: str) -> None:
    """A proxy over TLS."""
    host, _, port = to.partition(":")
    with (
        context().wrap_socket(client, server_side=True) as secured,
        socket.create_connection((host, int(port))) as there,
    ):  # type: ignore[attr-defined]
        assert secured.recv(1000).startswith(f"CONNECT {to} HTTP/1.1\r\n".encode())
        secured.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        def back() -> None:
            while data := there.recv(10_000):
                secured.sendall(data)

        threading.Thread(target=back, daemon=True).start()
        while data := secured.recv(10_000):
            there.sendall(data)


def test_a_proxy_that_speaks_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(lambda client: client.sendall(b"HTTP/1.1 400 No\r\n\r\n")) as by:
        monkeypatch.setattr("fairing_kfp.registry.transport.proxy_for", lambda url: f"https://{by}")
        with pytest.raises(RegistryError, match=re.escape("registry.example.com through the proxy: ")):
            Transport().send("GET", Url.parse("https://registry.example.com/"), {}, None, "registry.example.com")
