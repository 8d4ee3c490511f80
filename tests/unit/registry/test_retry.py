"""Retries of transient failures."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import RegistryError, TransientError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.retry import RetryPolicy
from tests.support.scripted_registry import BLOB, MANIFEST, UPLOAD, Answer, Server, errors, put


class TestRetries:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_whole_upload_is_retried(
        self, server: Server, repository: Repository, pauses: list[float], status: int
    ) -> None:
        session = Answer(202, headers={"Location": f"{UPLOAD}1"})
        server.answers = [session, Answer(status), Answer(status), session, Answer(201)]
        assert put(repository) == "sent"
        assert [line.split()[0] for line in server.lines] == ["POST", "PUT", "POST", "POST", "PUT"]
        assert server.requests[-1].body == BLOB
        # A mount that fails in the registry is not repeated: the blob is sent.
        assert len(pauses) == (2 if status < 500 else 1)

    @pytest.mark.parametrize("lost", [{"cut": 0}, {"status": 404, "body": errors("BLOB_UPLOAD_UNKNOWN")}])
    def test_a_lost_session_is_reopened(
        self, server: Server, repository: Repository, pauses: list[float], lost: Any
    ) -> None:
        session = Answer(202, headers={"Location": f"{UPLOAD}1"})
        server.answers = [session, Answer(**lost), session, Answer(201)]
        assert put(repository) == "sent"
        assert len(server.lines) == 4

    def test_a_broken_pull_is_retried(self, server: Server, repository: Repository, pauses: list[float]) -> None:
        server.answers = [Answer(cut=0), Answer(body=MANIFEST.data, cut=5), Answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST

    def test_it_gives_up(self, server: Server, repository: Repository, pauses: list[float]) -> None:
        server.answers = [Answer(503, errors("UNAVAILABLE", "be back\nsoon"))] * 9
        with pytest.raises(RegistryError) as caught:
            repository.manifest("1")
        assert caught.value.message == (
            f"{server.host} rejected the request for the image team/app:1 (503 UNAVAILABLE: be back soon)"
        )
        assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
        assert len(server.lines) == RetryPolicy().attempts

    def test_retry_after(self, server: Server, repository: Repository, pauses: list[float]) -> None:
        server.answers = [Answer(429, headers={"Retry-After": "7"}), Answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST
        assert pauses == [7]

    def test_a_long_retry_after_is_an_error(self, server: Server, repository: Repository, pauses: list[float]) -> None:
        server.answers = [Answer(429, errors("TOOMANYREQUESTS"), headers={"Retry-After": "3600"})]
        with pytest.raises(RegistryError, match="429 TOOMANYREQUESTS") as caught:
            repository.manifest("1")
        assert "log in" in caught.value.remedy
        assert pauses == []

    @pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT"])
    def test_a_malformed_retry_after_is_ignored(
        self, server: Server, repository: Repository, pauses: list[float], value: str
    ) -> None:
        server.answers = [Answer(503, headers={"Retry-After": value}), Answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST
        assert 0 < pauses[0] < 1

    @pytest.mark.parametrize("status", [400, 405, 413, 501])
    def test_permanent_errors_are_not_retried(
        self, server: Server, repository: Repository, pauses: list[float], status: int
    ) -> None:
        server.answers = [Answer(status)] * 2
        with pytest.raises(RegistryError):
            repository.manifest("1")
        assert len(server.lines) == 1


def test_the_retry_policy_of_a_client(server: Server) -> None:
    server.answers = [Answer(503)] * 9
    client = RegistryClient(retry_policy=RetryPolicy(attempts=2, first_pause=0))
    with pytest.raises(TransientError):
        Repository(client, server.host, "app", frozenset()).manifest("1")
    assert len(server.lines) == 2
