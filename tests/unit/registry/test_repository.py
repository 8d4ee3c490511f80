"""Pulls and pushes against a scripted registry."""

from __future__ import annotations

import io
import shutil
from typing import Any

import pytest

from fairing_kfp.errors import DigestError, RegistryError, TransientError
from fairing_kfp.image.descriptor import OCI_MANIFEST, digest_of
from fairing_kfp.registry.repository import MAX_MANIFEST, Repository
from tests.support.scripted_registry import BLOB, BLOB_DIGEST, MANIFEST, UPLOAD, Answer, Server, put


class TestManifests:
    def test_by_tag(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(body=MANIFEST.data, headers={"Docker-Content-Digest": MANIFEST.digest})]
        assert repository.manifest("1") == MANIFEST
        assert server.lines == ["GET /v2/team/app/manifests/1"]
        assert OCI_MANIFEST in server.requests[0].headers["Accept"]

    @pytest.mark.parametrize("wanted", ["1", digest_of(b"other")])
    def test_a_wrong_digest(self, server: Server, repository: Repository, wanted: str) -> None:
        server.answers = [Answer(body=MANIFEST.data, headers={"Docker-Content-Digest": digest_of(b"other")})]
        with pytest.raises(DigestError, match=MANIFEST.digest):
            repository.manifest(wanted)

    def test_the_size_is_limited(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(body=bytes(MAX_MANIFEST + 1))]
        with pytest.raises(RegistryError, match=f"longer than {MAX_MANIFEST} bytes"):
            repository.manifest("1")

    def test_head(self, server: Server, repository: Repository) -> None:
        server.answers = [
            Answer(headers={"Docker-Content-Digest": MANIFEST.digest}),
            Answer(404),
            Answer(),
            Answer(),
        ]
        assert repository.head("1") == MANIFEST.digest
        assert repository.head("1") is None
        assert repository.head("1") is None  # the registry does not report it
        assert repository.head(MANIFEST.digest) == MANIFEST.digest

    def test_put(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(201, headers={"Docker-Content-Digest": MANIFEST.digest})]
        repository.put_manifest(MANIFEST, "v1")
        assert server.lines == ["PUT /v2/team/app/manifests/v1"]
        assert server.requests[0].body == MANIFEST.data
        assert server.requests[0].headers["Content-Type"] == OCI_MANIFEST

    def test_put_reports_another_digest(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(201, headers={"Docker-Content-Digest": digest_of(b"other")})]
        with pytest.raises(DigestError):
            repository.put_manifest(MANIFEST, "v1")


class TestBlobs:
    def test_a_small_blob(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(body=BLOB), Answer(body=b"other")]
        assert repository.blob(BLOB_DIGEST) == BLOB
        with pytest.raises(DigestError):
            repository.blob(BLOB_DIGEST)

    def test_a_stream(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(body=BLOB)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob:
            assert b"".join(iter(lambda: blob.read(100), b"")) == BLOB

    @pytest.mark.parametrize("body", [BLOB[:-1] + b"x", BLOB + b"x", b"x" * 10_000])
    def test_a_stream_with_a_wrong_digest(self, server: Server, repository: Repository, body: bytes) -> None:
        server.answers = [Answer(body=body)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob, pytest.raises(DigestError):
            shutil.copyfileobj(blob, io.BytesIO(), 100)

    @pytest.mark.parametrize("options", [{"body": BLOB[:-1]}, {"body": BLOB, "cut": 100}, {"body": b""}])
    def test_a_truncated_stream(self, server: Server, repository: Repository, options: Any) -> None:
        server.answers = [Answer(**options)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob, pytest.raises(TransientError):
            shutil.copyfileobj(blob, io.BytesIO(), 100)

    def test_mounted(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(201), Answer(201)]
        assert put(repository) == "mounted"
        assert put(repository, mount_from="base/python") == "mounted"
        encoded = BLOB_DIGEST.replace(":", "%3A")
        assert server.lines == [
            f"POST {UPLOAD}?mount={encoded}&from=team%2Fapp",
            f"POST {UPLOAD}?mount={encoded}&from=base%2Fpython",
        ]

    @pytest.mark.parametrize(
        ("location", "path"),
        [
            (f"{UPLOAD}1?state=a%2Fb==", f"{UPLOAD}1?state=a%2Fb==&digest="),
            ("http://HOST/elsewhere/1", "/elsewhere/1?digest="),
            ("1", f"{UPLOAD}1?digest="),
        ],
    )
    def test_sent(self, server: Server, repository: Repository, location: str, path: str) -> None:
        server.answers = [Answer(202, headers={"Location": location.replace("HOST", server.host)}), Answer(201)]
        assert put(repository) == "sent"
        assert server.lines[1] == f"PUT {path}{BLOB_DIGEST.replace(':', '%3A')}"
        assert server.requests[1].body == BLOB
        assert server.requests[1].headers["Content-Length"] == str(len(BLOB))

    def test_an_empty_blob(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(202, headers={"Location": f"{UPLOAD}1"}), Answer(201)]
        assert put(repository, b"") == "sent"
        assert server.requests[1].headers["Content-Length"] == "0"

    @pytest.mark.parametrize("status", [400, 403, 404, 405])
    def test_a_registry_that_rejects_mounts(self, server: Server, repository: Repository, status: int) -> None:
        server.answers = [Answer(status), Answer(202, headers={"Location": f"{UPLOAD}1"}), Answer(201)]
        assert put(repository, mount_from="base/python") == "sent"
        assert server.lines[1] == f"POST {UPLOAD}"

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 501])
    def test_a_mount_that_fails_in_the_registry(self, server: Server, repository: Repository, status: int) -> None:
        server.answers = [Answer(status), Answer(202, headers={"Location": f"{UPLOAD}1"}), Answer(201)]
        assert put(repository, mount_from="base/python") == "sent"
        assert server.lines[1:] == [f"POST {UPLOAD}", f"PUT {UPLOAD}1?digest={BLOB_DIGEST.replace(':', '%3A')}"]
