"""Schemes and TLS of single requests."""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairing_kfp.errors import RegistryError
from fairing_kfp.registry.transport import Transport
from fairing_kfp.registry.url import Url
from tests.support.authority import Authority, make_authority
from tests.support.scripted_registry import Server, errors


class TestTransport:
    def test_plain_http_for_loopback_and_insecure_registries(self) -> None:
        transport = Transport(insecure=["plain.example.com:5000", "any-port.example.com"])
        plain = [
            "localhost",
            "localhost:5000",
            "127.1.2.3",
            "[::1]:80",
            "plain.example.com:5000",
            "any-port.example.com:1",
        ]
        tls = ["docker.io", "plain.example.com", "plain.example.com:443", "10.0.0.1", "localhost.example.com"]
        assert [transport.is_plain_http(registry) for registry in plain] == [True] * len(plain)
        assert [transport.is_plain_http(registry) for registry in tls] == [False] * len(tls)
        assert str(transport.base_url("docker.io")) == "https://registry-1.docker.io/"

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return make_authority(tmp_path)

    @contextlib.contextmanager
    def rejecting(self, authority: Authority) -> Iterator[str]:
        """A TLS server that responds with 413 after reading the headers, and closes the connection."""
        context = authority.server_context()
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            plain, _ = listener.accept()
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(1000)
                body = errors("SIZE_INVALID", "too large")
                connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                time.sleep(0.2)  # the client now waits for buffer space; closing breaks its connection

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with listener:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()

    @pytest.mark.parametrize("attempt", range(3))
    def test_an_error_response_during_an_upload_over_tls_is_read(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch, attempt: int
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        size = 64 << 20
        headers = {"Content-Length": str(size)}
        with self.rejecting(authority) as url:
            response = Transport().send("PUT", Url.parse(url), headers, io.BytesIO(bytes(size)), "registry.example.com")
            assert response.status == 413
            assert b"too large" in response.read(1000)

    def test_an_unknown_authority_is_rejected(self, authority: Authority) -> None:
        with self.rejecting(authority) as url:
            with pytest.raises(
                RegistryError, match=r"127\.0\.0\.1:\d+ is not trusted: unable to get local issuer"
            ) as caught:
                Transport().send("GET", Url.parse(url), {}, None, "registry.example.com")
            assert "--ca FILE" in caught.value.remedy

    def test_tls_to_a_plain_http_server(self, server: Server) -> None:
        with pytest.raises(RegistryError, match="does not speak TLS") as caught:
            Transport().send("GET", Url.parse(f"https://{server.host}/v2/"), {}, None, "registry.example.com")
        assert f"--insecure {server.host}" in caught.value.remedy
