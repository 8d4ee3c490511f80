"""Slow, silent and half-open clients of a real server, whose deadlines are shorter here."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from tests.support.predictor_process import PATH, server

_SHORT = {"head": 0.3, "body": 0.3, "rest": 0.3, "reading": 0.3}
_HEAD = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


_BOTH = pytest.mark.parametrize("parser", ["httptools", "h11"])


def is_closed(client: socket.socket) -> bool:
    """Waits until the server closes a connection, and reads what it sends before."""
    with contextlib.suppress(ConnectionError):
        while client.recv(65536):
            pass
    return True


def answer_of(client: socket.socket) -> str:
    """Everything that the server sends until it closes the connection."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            got += part
    return got.decode()


def test_open_bodies_do_not_close_the_server() -> None:
    with server() as running:
        for _ in range(150):
            running.open(_HEAD + 'Content-Length: 30\r\n\r\n{"instances": [')

        assert running.predict() == 200
        assert running.health() == 200


@_BOTH
def test_silent_and_half_open_connections_are_closed_while_others_are_answered(parser: str) -> None:
    with server(_SHORT, parser=parser) as running:
        silent = [running.open() for _ in range(300)]
        halves = [running.open("GET /healthz HT") for _ in range(100)]
        bodies = [running.open(_HEAD + 'Content-Length: 30\r\n\r\n{"inst') for _ in range(100)]
        assert running.health() == 200
        assert running.predict() == 200
        assert all(map(is_closed, [*silent, *halves, *bodies]))


@_BOTH
def test_dripping_head_is_not_progress(parser: str) -> None:
    with server(_SHORT, parser=parser) as running:
        client = running.open("GET /healthz HTTP/1.1\r\n")
        end = time.monotonic() + 20
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                client.sendall(b"X: y\r\n")
                time.sleep(0.02)
        assert time.monotonic() < end


_LARGE_HEADS = (
    f"GET /{'a' * 200_000} HTTP/1.1\r\nHost: a\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: {'a' * 200_000}\r\n\r\n",
    "GET / HTTP/1.1\r\n" + "X: y\r\n" * 40_000 + "\r\n",
    f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n1;{'a' * 200_000}",
    f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n" + "X: y\r\n" * 40_000,
)


@_BOTH
def test_large_heads_and_trailers_are_refused(parser: str) -> None:
    with server(parser=parser) as running:
        for text in _LARGE_HEADS:
            client = running.open()
            with contextlib.suppress(ConnectionError):
                client.sendall(text.encode())
            assert is_closed(client)
        assert running.health() == 200
        assert "Traceback" not in running.end()


@_BOTH
def test_upgrade_is_not_answered_by_another_protocol(parser: str) -> None:
    with server(parser=parser) as running:
        for upgrade in ("websocket", "h2c", "nonsense"):
            head = f"Host: a\r\nConnection: Upgrade, close\r\nUpgrade: {upgrade}\r\n\r\n"
            assert answer_of(running.open(f"GET /healthz HTTP/1.1\r\n{head}")).startswith("HTTP/1.1 200")
        assert "Traceback" not in running.end()


def test_slow_body_that_makes_progress_is_answered() -> None:
    with server({**_SHORT, "body": 1.5, "rest": 1.5}) as running:
        body = '{"instances": [1, 2]}'
        client = running.open(f"{_HEAD}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n")
        for letter in body:
            client.sendall(letter.encode())
            time.sleep(0.1)
        assert answer_of(client).startswith("HTTP/1.1 200")


@_BOTH
def test_rest_of_a_refused_body_is_not_waited_for(parser: str) -> None:
    with server(_SHORT, parser=parser, max_bytes=100) as running:
        client = running.open(_HEAD + "Content-Length: 101\r\n\r\n{")
        assert answer_of(client).startswith("HTTP/1.1 413")


def test_client_that_does_not_read_its_answer_is_closed() -> None:
    with server(_SHORT) as running:
        body = json.dumps({"instances": [0] * 5_000_000})
        client = running.open(f"{_HEAD}Content-Length: {len(body)}\r\n\r\n{body}")
        client.recv(1)
        time.sleep(1.5)
        assert len(answer_of(client)) < 8_000_000
        assert running.predict() == 200


def test_longest_waiting_connection_gives_way_to_a_new_one() -> None:
    with server(most=32) as running:
        clients = [running.open(_HEAD + "Content-Length: 30\r\n\r\n{") for _ in range(40)]
        assert running.health() == 200
        assert all(map(is_closed, clients[:8]))
        assert running.predict() == 200


def test_largest_bodies_together_are_bounded() -> None:
    most = 100_000
    with server({"rest": 0.3}, max_bytes=most) as running:
        for _ in range(20):
            running.open(f"{_HEAD}Content-Length: {most}\r\n\r\n" + "[" * (most - 1))

        assert running.predict(20_000) == 200
        refused = answer_of(running.clients[0])
        assert refused.startswith("HTTP/1.1 503")
        assert "Retry-After" in refused.title()


@_BOTH
def test_idle_connection_is_kept_for_its_next_request(parser: str) -> None:
    with server({**_SHORT, "head": 1}, parser=parser) as running:
        client = running.open()
        for pause in (0, 1.4):
            time.sleep(pause)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while b"alive" not in answer:
                answer += client.recv(10_000)
            assert answer.startswith(b"HTTP/1.1 200")


@_BOTH
@pytest.mark.parametrize("order", [1, -1])
def test_request_with_two_lengths_is_refused_and_nothing_after_it_is_read(order: int, parser: str) -> None:
    lengths = ["Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"][::order]
    with server(parser=parser) as running:
        client = running.open(_HEAD + "".join(lengths) + "\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = answer_of(client)

        assert answer.startswith("HTTP/1.1 400")
        assert answer.count("HTTP/1.1") == 1
        assert "Traceback" not in running.end()


@_BOTH
@pytest.mark.parametrize("text", ["NONSENSE\r\n\r\n", _HEAD + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"])
def test_nonsense_is_refused_without_a_traceback(text: str, parser: str) -> None:
    with server(_SHORT, parser=parser) as running:
        assert is_closed(running.open(text))
        assert "Traceback" not in running.end()


def test_path_cannot_forge_a_line_of_the_log() -> None:
    with server() as running:
        client = running.open("GET /a%0Ainfo%20%20%20forged%1b[2J%20status=200 HTTP/1.1\r\nHost: a\r\n")
        client.sendall(b"X-Request-Id: b status=200\r\nConnection: close\r\n\r\n")
        assert answer_of(client).startswith("HTTP/1.1 404")
        log = running.end()

        assert r'path="/a\ninfo   forged\u001b[2J status=200" status=404' in log
        assert 'request_id="b status=200"' in log
        assert not [line for line in log.splitlines() if "forged" in line and not line.startswith("info    request")]
