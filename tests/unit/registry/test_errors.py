"""Error responses."""

from __future__ import annotations

import pytest

from fairing_kfp.errors import NotFoundError, RegistryError, UnauthorizedError
from fairing_kfp.registry.repository import Repository
from tests.support.scripted_registry import Answer, Server, errors


class TestErrorResponses:
    def test_not_found(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(404, errors("MANIFEST_UNKNOWN", "manifest unknown"))]
        with pytest.raises(NotFoundError) as caught:
            repository.manifest("1")
        expected = f"{server.host} does not have the image team/app:1 (404 MANIFEST_UNKNOWN: manifest unknown)"
        assert caught.value.message == expected

    @pytest.mark.parametrize("body", [b"<html>no</html>", b"[1]", b'{"errors": []}', b'{"errors": [1]}', b"{", b"\xff"])
    def test_malformed_bodies(self, server: Server, repository: Repository, body: bytes) -> None:
        server.answers = [Answer(403, body)]
        with pytest.raises(UnauthorizedError, match="denies access to the image team/app:1"):
            repository.manifest("1")

    def test_long_texts_are_truncated_and_printable(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(400, b"\x1b[31m" + b"no " * 1000)]
        with pytest.raises(RegistryError) as caught:
            repository.manifest("1")
        assert len(caught.value.message) < 500
        assert caught.value.message.isprintable()
