"""No wait is silent, none is endless, and each ends at once on Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairing_kfp.errors import RegistryError, StoppedError, TransientError
from fairing_kfp.registry import sockets
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Anonymous
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.retry import RetryPolicy
from fairing_kfp.registry.waits import Waits
from tests.support.listener import listening
from tests.support.scripted_registry import BLOB, BLOB_DIGEST, UPLOAD, Answer, Request, Server, put
from tests.support.waiting import eventually

SOON = RetryPolicy(attempts=1, connect=0.3, read=0.3, commit=1)
LATER = RetryPolicy(attempts=1, read=1.5, commit=60)  # a busy machine answers before


@contextlib.contextmanager
def serving_bytes(send: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that handles each connection with a function, after the request has arrived."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(10_000)
            send(connection)

    with listening(serve) as address:
        yield address


def repository(host: str, policy: RetryPolicy = SOON) -> Repository:
    return Repository(RegistryClient(retry_policy=policy), host, "team/app", frozenset())


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "nothing": (b"", b""),
    "status-line": (b"", b"H"),
    "headers": (HEAD, b"a: b\r\n"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "endless": (HEAD + b"\r\n", b"x"),
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_drip_of_bytes_is_no_progress(name: str) -> None:
    start, drop = DRIPS[name]

    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(2000):  # for a minute, unless the client closes the connection
            connection.sendall(drop)
            time.sleep(0.03)

    began = time.monotonic()
    with serving_bytes(drip) as host, pytest.raises(TransientError, match="broke") as caught:
        repository(host).manifest("1")
    assert time.monotonic() - began < 30
    assert "timed out" in caught.value.message or "bytes arrived within 0.3 s" in caught.value.message


def test_a_slow_reader_is_not_a_slow_peer(server: Server) -> None:
    server.answers = [Answer(body=BLOB)]
    with repository(server.host, LATER).open_blob(BLOB_DIGEST, len(BLOB)) as blob:
        first = blob.read(10)
        time.sleep(1.7)
        assert first + blob.read() == BLOB


def test_a_registry_that_stores_slowly_is_asked_until_it_has_the_blob(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairing_kfp.registry.client._POLL", 0.02)
    monkeypatch.setattr("fairing_kfp.registry.upload._STORING_SPEED", 1000)
    over, asked = threading.Event(), []

    def rule(request: Request) -> Answer:
        if request.method == "POST":
            return Answer(202, headers={"Location": f"{UPLOAD}1"})
        asked.append(request.method)
        return Answer(200 if len(asked) == 4 else 404)

    def answer(request: Request) -> Answer:  # the upload stalls, without the server's lock
        if request.method == "PUT":
            asked.append("PUT")
            over.wait(60)
        return rule(request)

    server.answer = answer  # type: ignore[method-assign]
    assert put(repository(server.host, LATER)) == "sent"
    assert asked == ["PUT", "HEAD", "HEAD", "HEAD"]
    over.set()


@pytest.fixture
def full_host() -> Iterator[str]:
    """A host that answers no attempt to connect: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    time.sleep(0.05)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    for one in (*waiting, listener):
        one.close()


def test_a_host_that_does_not_answer(full_host: str) -> None:
    began = time.monotonic()
    with pytest.raises(RegistryError, match=r"cannot connect to the registry 127.*no answer within 0.3 s"):
        repository(full_host).manifest("1")
    assert time.monotonic() - began < 30


def test_a_name_that_is_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_RESOLVE", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(60))
    with pytest.raises(RegistryError, match=r"cannot connect to the registry slow\.example: no answer within 0.1 s"):
        repository("slow.example").manifest("1")


def test_a_name_without_an_address() -> None:
    with pytest.raises(RegistryError, match=r"cannot connect to the registry nothing\.invalid: "):
        repository("nothing.invalid").manifest("1")


class Blocked(Anonymous):
    """A credential helper that does not answer."""

    def for_repository(self, registry: str, repository: str) -> None:
        time.sleep(60)


@pytest.mark.parametrize("where", ["dns", "connect", "handshake", "head", "body", "helper"])
def test_a_stop_ends_each_wait_at_once(where: str, full_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = RetryPolicy(connect=600, read=600)
    at = threading.Event()

    def stall(connection: socket.socket) -> None:
        if where == "body":
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\nx")
        if where == "helper":
            connection.sendall(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
        at.set()
        time.sleep(60)

    with serving_bytes(stall) as silent:
        client = RegistryClient(retry_policy=patient, credentials=Blocked())
        host = full_host if where == "connect" else silent
        if where == "handshake":
            monkeypatch.setattr(type(client._transport), "is_plain_http", lambda self, registry: False)
        if where == "dns":
            host = host.replace("127.0.0.1", "localhost")
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (at.set(), time.sleep(60)))
        at.set() if where == "connect" else None
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(Repository(client, host, "app", frozenset()).manifest, "1")
            assert at.wait(60)
            time.sleep(0.1)
            began = time.monotonic()
            client.stop()
            with pytest.raises(StoppedError):
                waiting.result(60)
            assert time.monotonic() - began < 30


PROGRAM = """
import socket, sys, time
from fairing_kfp.pipeline.publish import run_parallel
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

socket.getaddrinfo = lambda *_, **__: (print("resolving", flush=True), time.sleep(600))
client = RegistryClient()
run_parallel(Repository(client, "slow.example", "app", frozenset()).manifest, ["1", "2"])
"""


def test_ctrl_c_ends_a_program_that_resolves_a_name() -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert program.stdout.readline() == "resolving\n"
        program.send_signal(signal.SIGINT)
        try:
            _, errors = program.communicate(timeout=60)
        finally:
            program.kill()
    assert errors.endswith("KeyboardInterrupt\n")
    assert program.returncode in (1, 130, -signal.SIGINT)


class TestMessages:
    def test_a_wait_says_what_is_waited_for_and_repeats_it(self) -> None:
        lines: list[str] = []
        waits = Waits(lines.append, first=0.05)
        with waits.on("registry.example.com: the image team/app:1"):
            eventually(lambda: lines)
            waits.note("attempt 1 failed: 503")
            eventually(lambda: lines[-1].endswith(" s: attempt 1 failed: 503"))
        assert re.fullmatch(r"waiting for registry\.example\.com: the image team/app:1 since \d+ s", lines[0])
        with waits.on("another"):
            eventually(lambda: "another" in lines[-1])
            shown = len(lines)
            eventually(lambda: len(lines) > shown)
        assert all("another" in line for line in lines[shown - 1 :])

    def test_short_waits_are_silent(self) -> None:
        lines: list[str] = []
        waits = Waits(lines.append, first=1)
        for _ in range(25):
            with waits.on("it"):
                time.sleep(0.05)
        assert lines == []

    def test_several_waits_are_one_line(self) -> None:
        lines: list[str] = []
        reported = threading.Event()
        waits = Waits(lambda line: (lines.append(line), reported.set())[0], first=20)

        def wait(number: int) -> None:
            with waits.on(f"blob {number}"), waits.on("an inner one"):
                reported.wait(60)

        with ThreadPoolExecutor(8) as threads:
            ended = threads.map(wait, range(8))
            eventually(lambda: len(waits._waits) == 8)
            with waits._condition:
                for one in waits._waits.values():
                    one.due = 0
            list(ended)
        assert len(lines) == 1
        assert re.fullmatch(r"waiting for blob \d, and 7 more since \d+ s", lines[0])

    def test_a_silent_registry_is_named(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[str] = []
        reported = threading.Event()
        client = RegistryClient(on_wait=lambda line: (lines.append(line), reported.set())[0])
        monkeypatch.setattr(client._transport.waits, "_first", 0.05)

        def slow(request: Request) -> Answer:
            reported.wait(30)
            return Answer(404)

        server.rule = slow
        assert Repository(client, server.host, "team/app", frozenset()).head("1") is None
        assert lines[0].startswith(f"waiting for {server.host}: the image team/app:1 since ")

    def test_without_a_display_it_is_logged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[str] = []
        monkeypatch.setattr(logging.getLogger("fairing_kfp"), "warning", lines.append)
        with Waits(first=0.05).on("registry.example.com: it"):
            eventually(lambda: lines)
        assert lines[0].startswith("waiting for registry.example.com: it since ")
