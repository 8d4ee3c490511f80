"""What a node answers, and whom."""

from __future__ import annotations

import errno
import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from fairing_kfp.runtime import node_handler
from tests.loopback_node import TOKEN, Loopback, loopback_node, work


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Loopback]:
    program = "pathlib.Path(given['outputs']['artifacts']['model']['artifacts'][0]['uri']).write_text('made')"
    with loopback_node(tmp_path, program) as node:
        yield node


def ask(running: Loopback, method: str, place: str, body: bytes | None = None, token: str = TOKEN) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{running.port}{place}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = urllib3.PoolManager(retries=False).request(method, url, body=body, headers=headers, timeout=10)
    try:
        return response.status, json.loads(response.data)
    except ValueError:
        return response.status, response.data


def place_of(path: Path) -> str:
    return "/file?" + urlencode({"path": os.fsencode(path)})


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
@pytest.mark.parametrize(
    ("method", "place"),
    [("GET", "/state"), ("PUT", "/file"), ("POST", "/start"), ("GET", "/outputs"), ("GET", "/file"), ("POST", "/end")],
)
def test_nobody_else_is_answered(running: Loopback, tmp_path: Path, method: str, place: str, token: str) -> None:
    query = "?" + urlencode({"path": str(tmp_path / "laid")}) if place == "/file" else ""
    encoded = token.encode().decode("latin-1")

    status, answer = ask(running, method, place + query, b"{}" if method != "GET" else None, encoded)

    assert (status, answer) == (401, {"error": "only the step that made the job is answered"})
    assert not (tmp_path / "laid").exists()
    assert running.node.state()["phase"] == "waiting"


def test_file_is_laid_whole(running: Loopback, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "ly" / os.fsdecode(b"n\xfc\xff &?#")
    assert ask(running, "PUT", place_of(place), b"x" * 3_000_000) == (200, {})
    assert place.read_bytes() == b"x" * 3_000_000
    assert ask(running, "PUT", place_of(place), b"") == (200, {})
    assert place.read_bytes() == b""
    assert list(place.parent.iterdir()) == [place]


def test_file_that_breaks_off_leaves_nothing(running: Loopback, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("as it was")
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        head = (
            f"PUT {place_of(tmp_path / 'there')} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
        )
        connection.sendall(head.encode() + b"half")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
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
        assert (status, answer) == (404, {"error": f"{path} is no output"})


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
