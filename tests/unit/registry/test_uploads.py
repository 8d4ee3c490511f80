"""Uploads in chunks, heads that break off, and threads that are to stop."""

from __future__ import annotations

import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import RegistryError, UnauthorizedError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import CHUNKS, Repository
from fairing_kfp.registry.retry import Patience, TransientError
from fairing_kfp.registry.stop import StoppedError, stop_all
from fairing_kfp.registry.streams import Parts

BLOB = bytes(range(256)) * 10
UPLOAD = "/v2/app/blobs/uploads/"


@pytest.fixture
def answer(make_answer: Any) -> Any:
    return make_answer


@pytest.fixture
def client() -> RegistryClient:
    return RegistryClient()


@pytest.fixture
def repository(server: Any, client: RegistryClient) -> Repository:
    return Repository(client, server.host, "app", frozenset({push("app")}))


def put(repository: Repository, data: bytes = BLOB) -> str:
    return repository.put_blob(digest_of(data), len(data), lambda: io.BytesIO(data))


class TestChunks:
    def answers(self, answer: Any, chunks: int, **headers: str) -> list[Any]:
        patches = [answer(202, headers={"Location": f"{UPLOAD}1?state={n}"}) for n in range(1, chunks + 1)]
        return [answer(202, headers={"Location": f"{UPLOAD}1?state=0", **headers}), *patches, answer(201)]

    def test_in_order_from_where_the_registry_says(
        self, server: Any, client: RegistryClient, repository: Repository, answer: Any
    ) -> None:
        client.chunks[server.host] = 1000
        server.answers = self.answers(answer, 3)
        assert put(repository) == "sent"
        sent = server.requests[1:-1]
        assert [request.path for request in sent] == [f"{UPLOAD}1?state={n}" for n in range(3)]
        assert [request.headers["Content-Range"] for request in sent] == ["0-999", "1000-1999", "2000-2559"]
        assert b"".join(request.body for request in sent) == BLOB
        assert server.lines[-1] == f"PUT {UPLOAD}1?state=3&digest={digest_of(BLOB).replace(':', '%3A')}"
        assert server.requests[-1].body == b""

    def test_not_smaller_than_the_registry_wants(
        self, server: Any, client: RegistryClient, repository: Repository, answer: Any
    ) -> None:
        client.chunks[server.host] = 1000
        server.answers = self.answers(answer, 2, **{"OCI-Chunk-Min-Length": "1500"})
        assert put(repository) == "sent"
        assert [len(request.body) for request in server.requests[1:-1]] == [1500, 1060]

    def test_what_is_small_goes_whole(
        self, server: Any, client: RegistryClient, repository: Repository, answer: Any
    ) -> None:
        client.chunks[server.host] = len(BLOB)
        server.answers = self.answers(answer, 0)
        assert put(repository) == "sent"
        assert server.requests[-1].body == BLOB

    @pytest.mark.parametrize("lost", [{"status": 404}, {"status": 416}, {"status": 503}, {"cut": 0}])
    def test_a_lost_chunk_begins_the_upload_anew(
        self,
        server: Any,
        client: RegistryClient,
        repository: Repository,
        answer: Any,
        pauses: list[float],
        lost: dict[str, Any],
    ) -> None:
        client.chunks[server.host] = 1000
        whole = self.answers(answer, 3)
        server.answers = [*whole[:2], answer(**lost), *whole]
        assert put(repository) == "sent"
        assert b"".join(request.body for request in server.requests[4:]) == BLOB

    def test_limits_are_learnt(self, server: Any, client: RegistryClient, repository: Repository, answer: Any) -> None:
        large = bytes(CHUNKS[-1] * 3)

        def rule(request: Any) -> Any:
            if len(request.body) > CHUNKS[-1]:
                return answer(413)
            return answer(201 if request.method == "PUT" else 202, headers={"Location": f"{UPLOAD}1"})

        server.rule = rule
        assert put(repository, large) == "sent"
        assert client.chunks == {server.host: CHUNKS[-1]}
        tried = len(server.requests)
        assert put(repository, large) == "sent"
        assert len(server.requests) - tried == 1 + 3 + 1

    def test_a_small_blob_that_is_too_large(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(202, headers={"Location": f"{UPLOAD}1"}), answer(413)]
        with pytest.raises(RegistryError, match="413") as caught:
            put(repository)
        assert "have its limit raised" in caught.value.remedy


@given(st.binary(max_size=60), st.lists(st.integers(1, 20), max_size=8), st.sets(st.integers(0, 7)))
def test_parts_are_the_blob_though_some_are_sent_twice(data: bytes, lengths: list[int], twice: set[int]) -> None:
    parts, start = Parts(lambda: io.BytesIO(data)), 0
    for index, length in enumerate(lengths):
        length = min(length, len(data) - start)
        for _ in range(2 if index in twice else 1):
            assert parts.part(start, length).read() == data[start : start + length]
        start += length
    parts.close()


def test_a_blob_that_is_too_short() -> None:
    part = Parts(lambda: io.BytesIO(b"abc")).part(0, 4)
    assert part.read(3) == b"abc"
    with pytest.raises(TransientError, match="shorter"):
        part.read(1)


class TestStop:
    @pytest.mark.parametrize("where", ["answer", "pause"])
    def test_threads_that_wait_end(
        self, server: Any, client: RegistryClient, repository: Repository, answer: Any, where: str
    ) -> None:
        asked, over = threading.Event(), threading.Event()

        def rule(request: Any) -> Any:
            asked.set()
            if where == "answer":
                over.wait(20)
            return answer(429, headers={"Retry-After": "50"})

        server.rule = rule
        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(repository.manifest, "1") for _ in range(4)]
            assert asked.wait(10)
            time.sleep(0.1)
            began = time.monotonic()
            stop_all()
            for one in waiting:
                with pytest.raises(StoppedError):
                    one.result(10)
            assert time.monotonic() - began < 1
        over.set()
        with pytest.raises(StoppedError):
            repository.manifest("1")

    def test_others_are_not_concerned(self, server: Any, repository: Repository, answer: Any) -> None:
        RegistryClient().stop()
        server.answers = [answer(202, headers={"Location": f"{UPLOAD}1"}), answer(201)]
        assert put(repository) == "sent"


def test_patience_is_given(server: Any, answer: Any) -> None:
    server.answers = [answer(503)] * 9
    client = RegistryClient(patience=Patience(attempts=2, first_pause=0))
    with pytest.raises(TransientError):
        Repository(client, server.host, "app", frozenset()).manifest("1")
    assert len(server.lines) == 2


@pytest.mark.parametrize(
    "realm",
    [
        "http://tokens.example.com/token",  # a password would go there in the clear
        "http://[::1",
        "https:///token",
        "ftp://127.0.0.1/token",
        "//127.0.0.1/token",
    ],
)
def test_passwords_go_to_safe_places_only(server: Any, repository: Repository, answer: Any, realm: str) -> None:
    server.answers = [answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})]
    with pytest.raises(UnauthorizedError, match="names no safe place"):
        repository.manifest("1")


@pytest.mark.parametrize("cut", [15, 30, 45, 60])
def test_an_answer_that_breaks_off_in_its_head_is_none(
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
