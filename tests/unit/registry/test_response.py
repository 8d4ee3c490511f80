"""Responses of HTTP/1.1: framing of bodies, and what is refused."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.registry.response import ProtocolError, Response


def respond(data: bytes, method: str = "GET") -> tuple[Response, list[bool]]:
    """A response, and whether its connection can be used again once it has ended."""
    ended: list[bool] = []
    return Response(method, io.BytesIO(data), ended.append), ended


def head(*fields: str, status: int = 200, version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status} X", *fields, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("data", "body", "reusable"),
    [
        (head("Content-Length: 3") + b"abcNEXT", b"abc", True),
        (head("content-length: 0") + b"NEXT", b"", True),
        (head("Content-Length: 3", "Connection: close") + b"abc", b"abc", False),
        (head("Content-Length: 3", version="1.0") + b"abc", b"abc", False),
        (head("Content-Length: 3", "Connection: Keep-Alive", version="1.0") + b"abc", b"abc", True),
        (head("Content-Length: 3", "Content-Length: 3") + b"abc", b"abc", True),
        (head() + b"until the end", b"until the end", False),
        (head(status=204) + b"NEXT", b"", True),
        (head(status=304) + b"NEXT", b"", True),
        (head("Transfer-Encoding: chunked") + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\nNEXT", b"abc", True),
        (head("Transfer-Encoding: chunked") + b"0\r\n\r\n", b"", True),
        (head("Transfer-Encoding: chunked", "Content-Length: 9") + b"2\r\nab\r\n0\r\n\r\n", b"ab", False),
        (head(status=100) + head("Content-Length: 1") + b"a", b"a", True),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_bodies(data: bytes, body: bytes, reusable: bool, size: int) -> None:
    response, ended = respond(data)
    read = b""
    while part := response.read(size):
        read += part
    response.release()
    response.close()
    assert (read, ended) == (body, [reusable])


def test_the_answer_to_head_has_no_body() -> None:
    response, ended = respond(head("Content-Length: 3"), "HEAD")
    assert response.read(5) == b""
    response.release()
    assert ended == [True]


def test_a_connection_with_an_unread_body_is_not_used_again() -> None:
    response, ended = respond(head("Content-Length: 3") + b"abc")
    response.read(2)
    response.release()
    assert ended == [False]


def test_fields() -> None:
    response, _ = respond(head("A: 1", "b:  two ", "a: 3", "Content-Length: 0"))
    assert (response.headers.get("a"), response.headers.get("B"), response.headers.all("A")) == (
        "1, 3",
        "two",
        ["1", "3"],
    )
    assert (response.headers.get("c"), response.headers.get("c", "none"), response.headers.all("c")) == ("", "none", [])


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "incomplete"),
        (b"HTTP/1.1 200 OK", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n", "incomplete"),
        (b"HTTP/2 200 OK\r\n\r\n", "not one of HTTP/1.1"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not one of HTTP/1.1"),
        (head("no colon"), "malformed"),
        (head("A : 1"), "malformed"),
        (head("A: 1", " folded"), "malformed"),
        (head(*["A: 1"] * 101), "malformed"),
        (head("A: " + "b" * (1 << 16)), "too long"),
        (head(status=100) * 20_000, "longer than"),
        (head("Content-Length: -1"), "Content-Length"),
        (head("Content-Length: \u00b2"), "Content-Length"),
        (head("Content-Length: 1", "Content-Length: 2"), "Content-Length"),
        (head("Content-Length: " + "9" * 19), "Content-Length"),
        (head("Transfer-Encoding: gzip, chunked"), "transfer encoding"),
        (head("Content-Length: 3") + b"ab", "1 bytes are missing"),
        *(
            (head("Transfer-Encoding: chunked") + chunks, cause)
            for chunks, cause in [
                (b"-1\r\n", "no size"),
                (b"\r\n", "no size"),
                (b"0x1\r\na", "no size"),
                (b"f" * 20 + b"\r\n", "no size"),
                (b"1\r\nab\r\n", "longer than its size"),
                (b"3\r\nab", "1 bytes are missing"),
                (b"1\r\na\r\n", "incomplete"),
                (b"0\r\n" + b"A: 1\r\n" * 100_000, "longer than"),
            ]
        ),
    ],
)
def test_what_is_refused(data: bytes, cause: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(cause)):
        respond(data)[0].read(1000)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.integers(1, 30))
def test_chunks_of_any_size(chunks: list[bytes], size: int) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    response, ended = respond(head("Transfer-Encoding: chunked") + body + b"0\r\n\r\n")
    read = []
    while part := response.read(size):
        read.append(part)
    assert b"".join(read) == b"".join(chunks)
    assert all(len(part) == size for part in read[:-1])
    response.release()
    assert ended == [True]
