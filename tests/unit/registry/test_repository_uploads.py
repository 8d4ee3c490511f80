"""Uploads in chunks."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import RegistryError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.upload import CHUNK_SIZES
from tests.support.scripted_registry import UPLOAD, Answer, Request, Server, put

CHUNKED = bytes(range(256)) * 10


class TestChunks:
    def answers(self, chunks: int, **headers: str) -> list[Any]:
        patches = [Answer(202, headers={"Location": f"{UPLOAD}1?state={n}"}) for n in range(1, chunks + 1)]
        return [Answer(202, headers={"Location": f"{UPLOAD}1?state=0", **headers}), *patches, Answer(201)]

    def test_each_chunk_is_sent_to_the_location_of_the_last_response(
        self, server: Server, client: RegistryClient, repository: Repository
    ) -> None:
        client.chunk_sizes[server.host] = 1000
        server.answers = self.answers(3)
        assert put(repository, CHUNKED) == "sent"
        sent = server.requests[1:-1]
        assert [request.path for request in sent] == [f"{UPLOAD}1?state={n}" for n in range(3)]
        assert [request.headers["Content-Range"] for request in sent] == ["0-999", "1000-1999", "2000-2559"]
        assert b"".join(request.body for request in sent) == CHUNKED
        assert server.lines[-1] == f"PUT {UPLOAD}1?state=3&digest={digest_of(CHUNKED).replace(':', '%3A')}"
        assert server.requests[-1].body == b""

    def test_the_registrys_minimum_chunk_size(
        self, server: Server, client: RegistryClient, repository: Repository
    ) -> None:
        client.chunk_sizes[server.host] = 1000
        server.answers = self.answers(2, **{"OCI-Chunk-Min-Length": "1500"})
        assert put(repository, CHUNKED) == "sent"
        assert [len(request.body) for request in server.requests[1:-1]] == [1500, 1060]

    def test_a_small_blob_is_sent_in_one_request(
        self, server: Server, client: RegistryClient, repository: Repository
    ) -> None:
        client.chunk_sizes[server.host] = len(CHUNKED)
        server.answers = self.answers(0)
        assert put(repository, CHUNKED) == "sent"
        assert server.requests[-1].body == CHUNKED

    @pytest.mark.parametrize("lost", [{"status": 404}, {"status": 416}, {"status": 503}, {"cut": 0}])
    def test_a_lost_chunk_restarts_the_upload(
        self,
        server: Server,
        client: RegistryClient,
        repository: Repository,
        pauses: list[float],
        lost: dict[str, Any],
    ) -> None:
        client.chunk_sizes[server.host] = 1000
        whole = self.answers(3)
        server.answers = [*whole[:2], Answer(**lost), *whole]
        assert put(repository, CHUNKED) == "sent"
        assert b"".join(request.body for request in server.requests[4:]) == CHUNKED

    def test_the_chunk_size_is_found_and_remembered(
        self, server: Server, client: RegistryClient, repository: Repository
    ) -> None:
        large = bytes(CHUNK_SIZES[-1] * 3)

        def rule(request: Request) -> Answer:
            if len(request.body) > CHUNK_SIZES[-1]:
                return Answer(413)
            return Answer(201 if request.method == "PUT" else 202, headers={"Location": f"{UPLOAD}1"})

        server.rule = rule
        assert put(repository, large) == "sent"
        assert client.chunk_sizes == {server.host: CHUNK_SIZES[-1]}
        tried = len(server.requests)
        assert put(repository, large) == "sent"
        assert len(server.requests) - tried == 1 + 3 + 1

    def test_a_small_blob_that_is_too_large(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(202, headers={"Location": f"{UPLOAD}1"}), Answer(413)]
        with pytest.raises(RegistryError, match="413") as caught:
            put(repository, CHUNKED)
        assert "raise the limit" in caught.value.remedy
