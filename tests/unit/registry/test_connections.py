"""Truncated response headers, and connections that are opened ahead."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from fairing_kfp.errors import RegistryError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from tests.support.listener import listening
from tests.support.waiting import eventually


@pytest.mark.parametrize("cut", [15, 30, 45, 60])
def test_truncated_headers_are_retried(
    repository: Repository, client: RegistryClient, pauses: list[float], cut: int
) -> None:
    head = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:" + b"0" * 64 + b"\r\nContent-Length: 0\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"

    def serve() -> None:
        for part in (head[:cut], head):
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(part)

    thread = threading.Thread(target=serve)
    thread.start()
    assert Repository(client, host, "app", frozenset()).head("1") == f"sha256:{'0' * 64}"
    assert len(pauses) == 1
    thread.join()
    listener.close()


class TestAhead:
    HEAD = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"

    def test_requests_use_connections_that_were_opened_ahead(self, client: RegistryClient) -> None:
        opened: list[socket.socket] = []

        def serve(connection: socket.socket) -> None:
            opened.append(connection)
            while connection.recv(10_000):
                connection.sendall(self.HEAD)

        with listening(serve) as host:
            client.connect_ahead(host, 2)
            for _ in range(3):
                assert Repository(client, host, "app", frozenset()).head("1") is None
            eventually(lambda: len(opened) == 2)
            time.sleep(0.05)
            assert len(opened) == 2
            client.close()
            for one in opened:
                assert one.recv(1) == b""
                one.close()

    def test_one_that_fails_is_an_error_of_the_request_alone(self, client: RegistryClient) -> None:
        client.connect_ahead("127.0.0.1:9", 2)
        with pytest.raises(RegistryError, match=r"cannot connect to the registry 127\.0\.0\.1:9"):
            Repository(client, "127.0.0.1:9", "app", frozenset()).head("1")

    def test_a_malformed_name_is_an_error_of_the_request_alone(self, client: RegistryClient) -> None:
        client.connect_ahead("a b", 1)
        with pytest.raises(RegistryError, match="malformed"):
            Repository(client, "a b", "app", frozenset()).head("1")
