"""What a node answers, and whom."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from fairing_kfp.runtime import handshake, node_handler
from fairing_kfp.train.node_client import verifier_of
from fairing_kfp.train.node_connection import NodePool, UnknownTokenError
from tests.support.loopback_node import TOKEN, Loopback, loopback_node, work


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Loopback]:
    program = "pathlib.Path(given['outputs']['artifacts']['model']['artifacts'][0]['uri']).write_text('made')"
    with loopback_node(tmp_path, program) as node:
        yield node


def ask(running: Loopback, method: str, place: str, body: bytes | None = None, token: str = TOKEN) -> tuple[int, Any]:
    with NodePool("127.0.0.1", running.port, token=token, retries=False, timeout=10) as pool:
        response = pool.request(method, place, body=body)
    try:
        return response.status, json.loads(response.data)
    except ValueError:
        return response.status, response.data


def plain(running: Loopback, method: str, place: str, authorization: str, body: bytes | None = None) -> tuple[int, Any]:
    """Asks without a greeting."""
    url, headers = f"http://127.0.0.1:{running.port}{place}", {"Authorization": authorization}
    response = urllib3.PoolManager(retries=False).request(method, url, body=body, headers=headers, timeout=10)
    return response.status, json.loads(response.data)


def hello(running: Loopback) -> tuple[HTTPConnection, tuple[str, str], dict[str, str]]:
    """A connection that has greeted the node, the nonces, and the node's answer."""
    connection, nonce = HTTPConnection("127.0.0.1", running.port, timeout=10), handshake.new_nonce()
    connection.request("POST", handshake.HELLO, body=nonce.encode())
    answer = json.loads(connection.getresponse().read())
    return connection, (nonce, answer["nonce"]), answer


def status_of(connection: HTTPConnection, path: str, authorization: str) -> int:
    connection.request("GET", path, headers={"Authorization": authorization})
    response = connection.getresponse()
    response.read()
    return response.status


def place_of(path: Path) -> str:
    return "/file?" + urlencode({"path": os.fsencode(path)})


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Bearer {TOKEN}", "\xfc"])
@pytest.mark.parametrize(
    ("method", "place"),
    [("GET", "/state"), ("PUT", "/file"), ("POST", "/start"), ("GET", "/outputs"), ("GET", "/file"), ("POST", "/end")],
)
def test_nobody_else_is_answered(
    running: Loopback, tmp_path: Path, method: str, place: str, authorization: str
) -> None:
    query = "?" + urlencode({"path": str(tmp_path / "laid")}) if place == "/file" else ""

    status, answer = plain(running, method, place + query, authorization, b"{}" if method != "GET" else None)

    assert (status, answer) == (401, {"error": "unauthorized: only the step that created the job may send requests"})
    assert not (tmp_path / "laid").exists()
    assert running.node.state()["phase"] == "waiting"


@pytest.mark.parametrize("token", ["wrong", verifier_of(TOKEN)])
def test_step_with_another_token_sends_nothing(running: Loopback, token: str) -> None:
    with pytest.raises(UnknownTokenError, match="does not prove that it knows this step"):
        ask(running, "GET", "/state", token=token)


def test_what_was_said_is_of_no_use_to_others(running: Loopback) -> None:
    connection, nonces, answer = hello(running)
    key = handshake.shared_key(handshake.secret_of(TOKEN), answer["public"])

    def signed(count: int, path: str) -> str:
        return handshake.proof(key, handshake.STEP, *nonces, count, "GET", path)

    assert handshake.is_proof(answer["proof"], key, handshake.NODE, *nonces)
    assert status_of(connection, "/state", signed(1, "/state")) == 200
    assert status_of(connection, "/state", signed(1, "/state")) == 401  # again
    for authorization in (signed(1, "/state"), signed(1, "/outputs"), answer["proof"]):
        other, _, _ = hello(running)  # with nonces of its own
        assert status_of(other, "/state", authorization) == 401


def test_connection_of_an_earlier_attempt_is_answered_no_more(running: Loopback) -> None:
    with NodePool("127.0.0.1", running.port, token=TOKEN, retries=False, timeout=10) as pool:
        assert pool.request("GET", "/state").status == 200
        running.know("another")
        assert pool.request("GET", "/state").status == 401


def test_work_that_was_not_signed_is_refused(running: Loopback, tmp_path: Path) -> None:
    body = work(tmp_path).text().encode()
    place = "/start?sha256=" + hashlib.sha256(body).hexdigest()
    assert ask(running, "POST", place, body.replace(b"127", b"128"))[0] == 400
    assert running.node.state()["phase"] == "waiting"
    assert ask(running, "POST", place, body)[0] == 200


def test_unauthenticated_connections_are_limited(running: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    others = [socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(100)]
    with NodePool("127.0.0.1", running.port, token=TOKEN, retries=False, timeout=10) as pool:
        assert pool.request("GET", "/state").status == 200
        monkeypatch.setattr("fairing_kfp.runtime.node._AUTHENTICATION_TIMEOUT", 1)
        others += [socket.create_connection(("127.0.0.1", running.port), timeout=10) for _ in range(100)]
        assert pool.request("GET", "/state").status == 200  # the step's connection stays open
        assert all(one.recv(1) == b"" for one in others[:100])
        assert threading.active_count() - before < 60
        assert all(one.recv(1) == b"" for one in others[100:])
        assert pool.request("GET", "/state").status == 200
    for one in others:
        one.close()


def test_responses_are_sent_without_nagles_delay(running: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a body waits for the acknowledgement of its head, which the client delays by 40 ms."""
    options: list[int] = []

    def state(handler: Any) -> None:
        options.append(handler.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        handler._send_json(200, {})

    monkeypatch.setattr(node_handler._Handler, "_state", state)
    assert ask(running, "GET", "/state") == (200, {})
    assert options == [1]


def test_file_is_laid_whole(running: Loopback, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "ly" / os.fsdecode(b"n\xfc\xff &?#")
    assert ask(running, "PUT", place_of(place), b"x" * 3_000_000) == (200, {})
    assert place.read_bytes() == b"x" * 3_000_000
    assert ask(running, "PUT", place_of(place), b"") == (200, {})
    assert place.read_bytes() == b""
    assert list(place.parent.iterdir()) == [place]


def test_file_that_breaks_off_leaves_nothing(running: Loopback, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("as it was")
    greeted, nonces, answer = hello(running)
    key, place = handshake.shared_key(handshake.secret_of(TOKEN), answer["public"]), place_of(tmp_path / "there")
    signed = handshake.proof(key, handshake.STEP, *nonces, 1, "PUT", place)
    greeted.putrequest("PUT", place)
    greeted.putheader("Authorization", signed)
    greeted.putheader("Content-Length", "9")
    greeted.endheaders(b"half")
    greeted.sock.shutdown(socket.SHUT_WR)
    assert greeted.sock.recv(100) == b""
    assert (tmp_path / "there").read_text() == "as it was"
    assert not list(tmp_path.glob(".partial*"))


def test_disk_that_is_full_is_told_though_more_is_sent(
    running: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(node_handler.os, "fdopen", lambda handle, mode: Full(handle, mode))

    status, answer = ask(running, "PUT", place_of(tmp_path / "big"), b"x" * 30_000_000)

    assert (status, answer) == (500, {"error": f"No space left on device: {tmp_path}/big"})
    assert not list(tmp_path.glob("*big*"))
    assert not list(tmp_path.glob(".partial*"))


def test_place_that_cannot_be_is_told(running: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, answer = ask(running, "PUT", place_of(tmp_path / "file" / "below"), b"x" * 3_000_000)
    assert status == 500
    assert str(tmp_path / "file") in answer["error"]


def test_outputs_alone_are_given(running: Loopback, tmp_path: Path) -> None:
    running.node.start(work(tmp_path))
    running.node.wait(20)
    (tmp_path / "secret").write_text("x")

    assert ask(running, "GET", "/outputs") == (200, [[str(tmp_path / "model"), 4]])
    assert ask(running, "GET", place_of(tmp_path / "model")) == (200, b"made")
    for path in (tmp_path / "secret", tmp_path / "model" / ".." / "secret", Path("/etc/passwd")):
        status, answer = ask(running, "GET", place_of(path))
        assert (status, answer) == (404, {"error": f"{path} is not an output"})


def test_output_that_is_gone_is_told(running: Loopback, tmp_path: Path) -> None:
    running.node.start(work(tmp_path))
    running.node.wait(20)
    (tmp_path / "model").unlink()
    assert ask(running, "GET", place_of(tmp_path / "model")) == (
        500,
        {"error": f"No such file or directory: {tmp_path}/model"},
    )


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "/state?seconds=soon", 400),
        ("GET", "/file", 400),
        ("PUT", "/file", 400),
        ("POST", "/start", 400),
        ("POST", "/start?sha256=0", 400),
        ("GET", "/nowhere", 404),
        ("POST", "/state", 404),
        ("DELETE", "/file", 501),
    ],
)
def test_what_is_no_request_is_refused(
    running: Loopback, capfd: pytest.CaptureFixture[str], method: str, place: str, status: int
) -> None:
    assert ask(running, method, place, b"{" if method == "POST" else None)[0] == status
    assert ask(running, "GET", "/state")[0] == 200
    assert capfd.readouterr() == ("", "")  # the log is the code's


def test_connections_that_break_are_not_told_in_the_log(running: Loopback, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset
        connection.sendall(b"GET /state")
    assert ask(running, "GET", "/state")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_question_is_answered_as_the_code_ends(running: Loopback, tmp_path: Path) -> None:
    running.node.start(work(tmp_path))
    status, answer = ask(running, "GET", "/state?seconds=20")
    assert (status, answer["phase"], answer["code"]) == (200, "ended", 0)


def test_node_ends_after_its_last_answer(running: Loopback, tmp_path: Path) -> None:
    running.node.start(work(tmp_path))
    running.node.wait(20)
    assert ask(running, "POST", "/end") == (200, {})
    assert running.ended.result(20) == 0
