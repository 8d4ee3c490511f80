"""Truncated response headers."""

from __future__ import annotations

import socket
import threading

import pytest

from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository


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
