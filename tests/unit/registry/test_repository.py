"""The client against a scripted server: authorization, retries, redirects, and answers that cannot be trusted."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import DigestError, NotFoundError, RegistryError, UnauthorizedError
from fairing_kfp.image.descriptor import OCI_MANIFEST, digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.auth import Access, Authorizer, pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.repository import LARGEST_MANIFEST, Repository
from fairing_kfp.registry.retry import Patience, TransientError
from fairing_kfp.registry.transport import Transport

ACCESS: Access = frozenset({push("team/app"), pull("base/python")})
BLOB = b"blob" * 1000
BLOB_DIGEST = digest_of(BLOB)
MANIFEST = Manifest(b'{"schemaVersion":2,"layers":[]}')
UPLOAD = "/v2/team/app/blobs/uploads/"


class Known:
    """Credentials for every registry."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def for_repository(self, registry: str, repository: str) -> Credentials:
        return self.credentials


@pytest.fixture
def answer(make_answer: Any) -> Any:
    return make_answer


@pytest.fixture
def repository(server: Any) -> Repository:
    return Repository(RegistryClient(), server.host, "team/app", ACCESS)


def put(repository: Repository, data: bytes = BLOB, **options: Any) -> str:
    return repository.put_blob(digest_of(data), len(data), lambda: io.BytesIO(data), **options)


def errors(code: str, message: str = "") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class TestManifests:
    def test_by_tag(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(body=MANIFEST.data, headers={"Docker-Content-Digest": MANIFEST.digest})]
        assert repository.manifest("1") == MANIFEST
        assert server.lines == ["GET /v2/team/app/manifests/1"]
        assert OCI_MANIFEST in server.requests[0].headers["Accept"]

    @pytest.mark.parametrize("wanted", ["1", digest_of(b"other")])
    def test_other_bytes_than_the_digest_says(
        self, server: Any, repository: Repository, answer: Any, wanted: str
    ) -> None:
        server.answers = [answer(body=MANIFEST.data, headers={"Docker-Content-Digest": digest_of(b"other")})]
        with pytest.raises(DigestError, match=MANIFEST.digest):
            repository.manifest(wanted)

    def test_an_endless_one_is_not_read(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(body=bytes(LARGEST_MANIFEST + 1))]
        with pytest.raises(RegistryError, match=f"longer than {LARGEST_MANIFEST} bytes"):
            repository.manifest("1")

    def test_head(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [
            answer(headers={"Docker-Content-Digest": MANIFEST.digest}),
            answer(404),
            answer(),
            answer(),
        ]
        assert repository.head("1") == MANIFEST.digest
        assert repository.head("1") is None
        assert repository.head("1") is None  # the registry does not tell
        assert repository.head(MANIFEST.digest) == MANIFEST.digest

    def test_put(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(201, headers={"Docker-Content-Digest": MANIFEST.digest})]
        repository.put_manifest(MANIFEST, "v1")
        assert server.lines == ["PUT /v2/team/app/manifests/v1"]
        assert server.requests[0].body == MANIFEST.data
        assert server.requests[0].headers["Content-Type"] == OCI_MANIFEST

    def test_put_under_another_digest(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(201, headers={"Docker-Content-Digest": digest_of(b"other")})]
        with pytest.raises(DigestError):
            repository.put_manifest(MANIFEST, "v1")


class TestBlobs:
    def test_a_small_one(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(body=BLOB), answer(body=b"other")]
        assert repository.blob(BLOB_DIGEST) == BLOB
        with pytest.raises(DigestError):
            repository.blob(BLOB_DIGEST)

    def test_a_stream(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(body=BLOB)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob:
            assert b"".join(iter(lambda: blob.read(100), b"")) == BLOB

    @pytest.mark.parametrize("body", [BLOB[:-1] + b"x", BLOB + b"x", b"x" * 10_000])
    def test_a_stream_of_other_bytes(self, server: Any, repository: Repository, answer: Any, body: bytes) -> None:
        server.answers = [answer(body=body)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob, pytest.raises(DigestError):
            shutil.copyfileobj(blob, io.BytesIO(), 100)

    @pytest.mark.parametrize("options", [{"body": BLOB[:-1]}, {"body": BLOB, "cut": 100}, {"body": b""}])
    def test_a_stream_that_breaks_off(self, server: Any, repository: Repository, answer: Any, options: Any) -> None:
        server.answers = [answer(**options)]
        with repository.open_blob(BLOB_DIGEST, len(BLOB)) as blob, pytest.raises(TransientError):
            shutil.copyfileobj(blob, io.BytesIO(), 100)

    def test_mounted(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(201), answer(201)]
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
    def test_sent(self, server: Any, repository: Repository, answer: Any, location: str, path: str) -> None:
        server.answers = [answer(202, headers={"Location": location.replace("HOST", server.host)}), answer(201)]
        assert put(repository) == "sent"
        assert server.lines[1] == f"PUT {path}{BLOB_DIGEST.replace(':', '%3A')}"
        assert server.requests[1].body == BLOB
        assert server.requests[1].headers["Content-Length"] == str(len(BLOB))

    def test_an_empty_one(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(202, headers={"Location": f"{UPLOAD}1"}), answer(201)]
        assert put(repository, b"") == "sent"
        assert server.requests[1].headers["Content-Length"] == "0"

    @pytest.mark.parametrize("status", [400, 403, 404, 405])
    def test_a_registry_that_refuses_to_mount(
        self, server: Any, repository: Repository, answer: Any, status: int
    ) -> None:
        server.answers = [answer(status), answer(202, headers={"Location": f"{UPLOAD}1"}), answer(201)]
        assert put(repository, mount_from="base/python") == "sent"
        assert server.lines[1] == f"POST {UPLOAD}"


class TestRetries:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_an_upload_is_one_unit(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float], status: int
    ) -> None:
        session = answer(202, headers={"Location": f"{UPLOAD}1"})
        server.answers = [session, answer(status), answer(status), session, answer(201)]
        assert put(repository) == "sent"
        assert [line.split()[0] for line in server.lines] == ["POST", "PUT", "POST", "POST", "PUT"]
        assert server.requests[-1].body == BLOB
        assert 0 < pauses[0] < pauses[1]

    @pytest.mark.parametrize("lost", [{"cut": 0}, {"status": 404, "body": errors("BLOB_UPLOAD_UNKNOWN")}])
    def test_a_lost_session_is_opened_again(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float], lost: Any
    ) -> None:
        session = answer(202, headers={"Location": f"{UPLOAD}1"})
        server.answers = [session, answer(**lost), session, answer(201)]
        assert put(repository) == "sent"
        assert len(server.lines) == 4

    def test_a_broken_manifest_is_read_again(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float]
    ) -> None:
        server.answers = [answer(cut=0), answer(body=MANIFEST.data, cut=5), answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST

    def test_it_gives_up(self, server: Any, repository: Repository, answer: Any, pauses: list[float]) -> None:
        server.answers = [answer(503, errors("UNAVAILABLE", "be back\nsoon"))] * 9
        with pytest.raises(RegistryError) as caught:
            repository.manifest("1")
        assert caught.value.message == (f"{server.host} refuses the image team/app:1 (503 UNAVAILABLE: be back soon)")
        assert (caught.value.status, caught.value.code) == (503, "UNAVAILABLE")
        assert len(server.lines) == Patience().attempts

    def test_retry_after_is_honoured(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float]
    ) -> None:
        server.answers = [answer(429, headers={"Retry-After": "7"}), answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST
        assert pauses == [7]

    def test_a_long_retry_after_is_not_waited_for(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float]
    ) -> None:
        server.answers = [answer(429, errors("TOOMANYREQUESTS"), headers={"Retry-After": "3600"})]
        with pytest.raises(RegistryError, match="429 TOOMANYREQUESTS") as caught:
            repository.manifest("1")
        assert "log in" in caught.value.remedy
        assert pauses == []

    @pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT"])
    def test_a_senseless_retry_after_is_passed_over(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float], value: str
    ) -> None:
        server.answers = [answer(503, headers={"Retry-After": value}), answer(body=MANIFEST.data)]
        assert repository.manifest("1") == MANIFEST
        assert 0 < pauses[0] < 1

    @pytest.mark.parametrize("status", [400, 405, 413, 501])
    def test_what_will_not_pass_is_not_tried_again(
        self, server: Any, repository: Repository, answer: Any, pauses: list[float], status: int
    ) -> None:
        server.answers = [answer(status)] * 2
        with pytest.raises(RegistryError):
            repository.manifest("1")
        assert len(server.lines) == 1


class TestRefusals:
    def test_not_found(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(404, errors("MANIFEST_UNKNOWN", "manifest unknown"))]
        with pytest.raises(NotFoundError) as caught:
            repository.manifest("1")
        expected = f"{server.host} does not have the image team/app:1 (404 MANIFEST_UNKNOWN: manifest unknown)"
        assert caught.value.message == expected

    @pytest.mark.parametrize("body", [b"<html>no</html>", b"[1]", b'{"errors": []}', b'{"errors": [1]}', b"{", b"\xff"])
    def test_bodies_of_any_kind(self, server: Any, repository: Repository, answer: Any, body: bytes) -> None:
        server.answers = [answer(403, body)]
        with pytest.raises(UnauthorizedError, match="refuses access to the image team/app:1"):
            repository.manifest("1")

    def test_a_long_text_is_cut_and_printable(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(400, b"\x1b[31m" + b"no " * 1000)]
        with pytest.raises(RegistryError) as caught:
            repository.manifest("1")
        assert len(caught.value.message) < 500
        assert caught.value.message.isprintable()


class TestAuthorization:
    @pytest.fixture
    def guarded(self, server: Any, answer: Any) -> Any:
        """A registry that takes the `valid` token, and gives `tokens` at `/token`."""
        server.tokens, server.valid = ["good"], "good"
        server.token_fields = {}

        def rule(request: Any) -> Any:
            if request.path.startswith("/token"):
                return answer(body=json.dumps({"token": server.tokens.pop(0), **server.token_fields}).encode())
            if request.headers.get("Authorization") != f"Bearer {server.valid}":
                challenge = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:team/app:pull"'
                return answer(401, headers={"WWW-Authenticate": challenge})
            if request.method == "POST":
                return answer(202, headers={"Location": f"{UPLOAD}1"})
            return answer(201) if request.method == "PUT" else answer(body=MANIFEST.data)

        server.rule = rule
        return server

    def test_one_token_for_all_scopes(self, guarded: Any, repository: Repository) -> None:
        assert repository.manifest("1") == MANIFEST
        assert put(repository) == "sent"
        assert [line.split("?")[0] for line in guarded.lines] == [
            "GET /v2/team/app/manifests/1",
            "GET /token",
            "GET /v2/team/app/manifests/1",
            f"POST {UPLOAD}",
            f"PUT {UPLOAD}1",
        ]
        query = guarded.lines[1].partition("?")[2]
        assert "service=s" in query
        for scope in ("repository%3Abase%2Fpython%3Apull", "repository%3Ateam%2Fapp%3Apull%2Cpush"):
            assert f"scope={scope}" in query

    def test_threads_share_the_challenge_and_the_token(self, guarded: Any, repository: Repository) -> None:
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(repository.manifest, ["1"] * 8)) == [MANIFEST] * 8
        assert len([line for line in guarded.lines if line.startswith("GET /token")]) == 1
        assert len(guarded.lines) == 8 + 2

    def test_threads_whose_token_is_refused_share_the_next(
        self, guarded: Any, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.manifest("1")
        guarded.valid, guarded.tokens = "better", ["better"] * 8
        all_refused, answer = threading.Barrier(8), Authorizer.answer

        def together(*arguments: Any, **named: Any) -> str | None:
            all_refused.wait()
            return answer(*arguments, **named)

        monkeypatch.setattr(Authorizer, "answer", together)
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(repository.manifest, ["1"] * 8)) == [MANIFEST] * 8
        assert len([line for line in guarded.lines if line.startswith("GET /token")]) == 2

    def test_a_token_that_expires_midway_is_renewed_and_the_upload_sent_again(
        self, guarded: Any, repository: Repository
    ) -> None:
        repository.manifest("1")
        checked = guarded.rule

        def expiring(request: Any) -> Any:
            if request.method == "PUT" and guarded.valid == "good":
                guarded.valid, guarded.tokens = "better", ["better"]
            return checked(request)

        guarded.rule = expiring
        assert put(repository) == "sent"
        assert [line.split("?")[0] for line in guarded.lines[3:]] == [
            f"POST {UPLOAD}",
            f"PUT {UPLOAD}1",
            "GET /token",
            f"PUT {UPLOAD}1",
        ]
        assert guarded.requests[-1].body == BLOB

    def test_a_token_is_renewed_before_it_expires(
        self, guarded: Any, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        guarded.tokens, guarded.token_fields = ["good", "good"], {"expires_in": 100}
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        repository.manifest("1")
        monkeypatch.setattr(time, "monotonic", lambda: now + 70)
        repository.manifest("1")
        assert len(guarded.tokens) == 1
        monkeypatch.setattr(time, "monotonic", lambda: now + 80)
        repository.manifest("1")
        assert len(guarded.tokens) == 0
        assert len([line for line in guarded.lines if "manifests" in line]) == 4  # only the first met a challenge

    def test_a_token_that_does_not_help(self, guarded: Any, repository: Repository) -> None:
        guarded.tokens = ["bad"] * 9
        with pytest.raises(UnauthorizedError, match="refuses access to the image team/app:1") as caught:
            repository.manifest("1")
        assert f"docker login {guarded.host}" in caught.value.remedy
        assert len(guarded.lines) == 3

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"token": 5}', b'{"token": "a\\nb"}', b'{"expires_in": "x"}']
    )
    def test_an_answer_without_a_token(self, server: Any, repository: Repository, answer: Any, body: bytes) -> None:
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'}
        server.answers = [answer(401, headers=challenge), answer(body=body)]
        with pytest.raises(UnauthorizedError, match="answers without a token"):
            repository.manifest("1")

    @pytest.mark.parametrize("challenge", ["", "Negotiate", "Bearer", 'Bearer realm="file:///etc/passwd"'])
    def test_a_challenge_that_cannot_be_met(
        self, server: Any, repository: Repository, answer: Any, challenge: str
    ) -> None:
        server.answers = [answer(401, headers={"WWW-Authenticate": challenge})]
        with pytest.raises(UnauthorizedError):
            repository.manifest("1")
        assert len(server.lines) == 1

    def test_basic(self, server: Any, answer: Any) -> None:
        challenge = answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        server.answers = [challenge, answer(body=MANIFEST.data), answer(body=MANIFEST.data)]
        client = RegistryClient(credentials=Known(Credentials("me", "pässword")))
        repository = Repository(client, server.host, "team/app", ACCESS)
        repository.manifest("1")
        repository.manifest("1")
        sent = [request.headers.get("Authorization") for request in server.requests]
        assert sent == [None, "Basic bWU6cMOkc3N3b3Jk", "Basic bWU6cMOkc3N3b3Jk"]

    def test_basic_without_credentials(self, server: Any, repository: Repository, answer: Any) -> None:
        server.answers = [answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})]
        with pytest.raises(UnauthorizedError, match="wants a user name and a password") as caught:
            repository.manifest("1")
        assert caught.value.remedy == f"log in: docker login {server.host}"

    def test_an_identity_token_is_exchanged(self, guarded: Any) -> None:
        client = RegistryClient(credentials=Known(Credentials("", "", "identity")))
        Repository(client, guarded.host, "team/app", ACCESS).manifest("1")
        exchange = guarded.requests[1]
        assert exchange.method == "POST"
        assert b"grant_type=refresh_token" in exchange.body
        assert b"refresh_token=identity" in exchange.body

    def test_a_password_goes_to_the_token_server(self, guarded: Any) -> None:
        client = RegistryClient(credentials=Known(Credentials("me", "pass")))
        Repository(client, guarded.host, "team/app", ACCESS).manifest("1")
        sent = [request.headers.get("Authorization") for request in guarded.requests]
        assert sent == [None, "Basic bWU6cGFzcw==", "Bearer good"]

    def test_storage_does_not_learn_who_we_are(
        self, guarded: Any, storage: Any, repository: Repository, answer: Any
    ) -> None:
        checked = guarded.rule

        def redirecting(request: Any) -> Any:
            found = checked(request)
            if found.status == 200 and "blobs" in request.path:
                return answer(307, headers={"Location": f"http://{storage.host}/blob?signature=x"})
            return found

        guarded.rule = redirecting
        storage.answers = [answer(body=BLOB)]
        assert repository.blob(BLOB_DIGEST) == BLOB
        assert storage.lines == ["GET /blob?signature=x"]
        assert "Authorization" not in storage.requests[0].headers

    def test_redirects_end(self, server: Any, repository: Repository, answer: Any) -> None:
        server.rule = lambda request: answer(307, headers={"Location": "/again"})
        with pytest.raises(RegistryError, match="307"):
            repository.blob(BLOB_DIGEST)
        assert len(server.lines) == 6


class TestTransport:
    def test_plain_http_is_for_loopback_and_where_it_is_asked_for(self) -> None:
        transport = Transport(insecure=["plain.example.com:5000", "any-port.example.com"])
        plain = [
            "localhost",
            "localhost:5000",
            "127.1.2.3",
            "[::1]:80",
            "plain.example.com:5000",
            "any-port.example.com:1",
        ]
        tls = ["docker.io", "plain.example.com", "plain.example.com:443", "10.0.0.1", "localhost.example.com"]
        assert [transport.is_plain(registry) for registry in plain] == [True] * len(plain)
        assert [transport.is_plain(registry) for registry in tls] == [False] * len(tls)
        assert transport.root("docker.io") == "https://registry-1.docker.io"

    @pytest.fixture
    def certificate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "pair.pem"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                str(path),
                "-out",
                str(tmp_path / "cert.pem"),
            ],
            check=True,
            capture_output=True,
        )
        path.write_text(path.read_text() + (tmp_path / "cert.pem").read_text())
        return path

    @contextlib.contextmanager
    def refusing(self, certificate: Path) -> Iterator[str]:
        """A TLS server that answers 413 when it has read the headers, and closes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            plain, _ = listener.accept()
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(1000)
                body = errors("SIZE_INVALID", "too large")
                connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                time.sleep(0.2)  # by now the client waits for room to send; closing breaks its connection

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with listener:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()

    @pytest.mark.parametrize("attempt", range(3))
    def test_a_refusal_during_an_upload_over_tls_is_read(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch, attempt: int
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        size = 64 << 20
        headers = {"Content-Length": str(size)}
        with self.refusing(certificate) as url:
            response = Transport().send("PUT", url, headers, io.BytesIO(bytes(size)), "registry.example.com")
            assert response.status == 413
            assert b"too large" in response.read()

    def test_a_certificate_of_nobody_is_refused(self, certificate: Path) -> None:
        with self.refusing(certificate) as url:
            with pytest.raises(RegistryError, match=r"registry\.example\.com cannot be trusted: self-signed") as caught:
                Transport().send("GET", url, {}, None, "registry.example.com")
            assert "--ca FILE" in caught.value.remedy

    def test_tls_against_a_plain_server(self, server: Any) -> None:
        with pytest.raises(RegistryError, match="does not speak TLS") as caught:
            Transport().send("GET", f"https://{server.host}/v2/", {}, None, "registry.example.com")
        assert "--insecure registry.example.com" in caught.value.remedy

    def test_a_redirect_out_of_tls_is_refused(self) -> None:
        client = RegistryClient()
        with pytest.raises(RegistryError, match=r"sends us to storage\.example\.com over plain HTTP"):
            client.request(
                "PUT", "registry.example.com", "http://storage.example.com/", access=ACCESS, expected={201}, what="it"
            )
