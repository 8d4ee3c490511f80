"""Authorization and redirects."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fairing_kfp.errors import RegistryError, UnauthorizedError
from fairing_kfp.registry.auth import Authorizer
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.repository import Repository
from tests.support.scripted_registry import ACCESS, BLOB, BLOB_DIGEST, MANIFEST, UPLOAD, Answer, Request, Server, put


class Known:
    """Credentials for every registry."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def for_repository(self, registry: str, repository: str) -> Credentials:
        return self.credentials


class TestAuthorization:
    @pytest.fixture
    def guarded(self, server: Server) -> Any:
        """A registry that accepts the token `valid`, and returns `tokens` at `/token`."""
        server.tokens, server.valid = ["good"], "good"
        server.token_fields = {}

        def rule(request: Request) -> Answer:
            if request.path.startswith("/token"):
                return Answer(body=json.dumps({"token": server.tokens.pop(0), **server.token_fields}).encode())
            if request.headers.get("Authorization") != f"Bearer {server.valid}":
                challenge = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:team/app:pull"'
                return Answer(401, headers={"WWW-Authenticate": challenge})
            if request.method == "POST":
                return Answer(202, headers={"Location": f"{UPLOAD}1"})
            return Answer(201) if request.method == "PUT" else Answer(body=MANIFEST.data)

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

    def test_threads_share_the_next_token_after_a_rejection(
        self, guarded: Any, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.manifest("1")
        guarded.valid, guarded.tokens = "better", ["better"] * 8
        all_rejected, answer = threading.Barrier(8), Authorizer.answer_challenge

        def together(*arguments: Any, **named: Any) -> str | None:
            all_rejected.wait()
            return answer(*arguments, **named)

        monkeypatch.setattr(Authorizer, "answer_challenge", together)
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(repository.manifest, ["1"] * 8)) == [MANIFEST] * 8
        assert len([line for line in guarded.lines if line.startswith("GET /token")]) == 2

    def test_an_upload_is_repeated_if_its_token_expires(self, guarded: Any, repository: Repository) -> None:
        repository.manifest("1")
        checked = guarded.rule

        def expiring(request: Request) -> Answer:
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
        assert len([line for line in guarded.lines if "manifests" in line]) == 4  # only the first was challenged

    def test_a_rejected_new_token_is_an_error(self, guarded: Any, repository: Repository) -> None:
        guarded.tokens = ["bad"] * 9
        with pytest.raises(UnauthorizedError, match="denies access to the image team/app:1") as caught:
            repository.manifest("1")
        assert f"docker login {guarded.host}" in caught.value.remedy
        assert len(guarded.lines) == 4  # the second token is for the repository alone

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"token": 5}', b'{"token": "a\\nb"}', b'{"expires_in": "x"}']
    )
    def test_a_response_without_a_token(self, server: Server, repository: Repository, body: bytes) -> None:
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'}
        server.answers = [Answer(401, headers=challenge), Answer(body=body)]
        with pytest.raises(UnauthorizedError, match="returned no token"):
            repository.manifest("1")

    @pytest.mark.parametrize("challenge", ["", "Negotiate", "Bearer", 'Bearer realm="file:///etc/passwd"'])
    def test_unsupported_challenges(self, server: Server, repository: Repository, challenge: str) -> None:
        server.answers = [Answer(401, headers={"WWW-Authenticate": challenge})]
        with pytest.raises(UnauthorizedError):
            repository.manifest("1")
        assert len(server.lines) == 1

    def test_basic(self, server: Server) -> None:
        challenge = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        server.answers = [challenge, Answer(body=MANIFEST.data), Answer(body=MANIFEST.data)]
        client = RegistryClient(credentials=Known(Credentials("me", "pässword")))
        repository = Repository(client, server.host, "team/app", ACCESS)
        repository.manifest("1")
        repository.manifest("1")
        sent = [request.headers.get("Authorization") for request in server.requests]
        assert sent == [None, "Basic bWU6cMOkc3N3b3Jk", "Basic bWU6cMOkc3N3b3Jk"]

    def test_basic_without_credentials(self, server: Server, repository: Repository) -> None:
        server.answers = [Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})]
        with pytest.raises(UnauthorizedError, match="requires a user name and password") as caught:
            repository.manifest("1")
        assert caught.value.remedy == f"log in with: docker login {server.host}"

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

    def test_storage_receives_no_credentials(self, guarded: Any, storage: Server, repository: Repository) -> None:
        checked = guarded.rule

        def redirecting(request: Request) -> Answer:
            found = checked(request)
            if found.status == 200 and "blobs" in request.path:
                return Answer(307, headers={"Location": f"http://{storage.host}/blob?signature=x"})
            return found

        guarded.rule = redirecting
        storage.answers = [Answer(body=BLOB)]
        assert repository.blob(BLOB_DIGEST) == BLOB
        assert storage.lines == ["GET /blob?signature=x"]
        assert "Authorization" not in storage.requests[0].headers

    def test_redirect_loops_end(self, server: Server, repository: Repository) -> None:
        server.rule = lambda request: Answer(307, headers={"Location": "/again"})
        with pytest.raises(RegistryError, match="307"):
            repository.blob(BLOB_DIGEST)
        assert len(server.lines) == 6


@pytest.mark.parametrize("place", ["redirect", "upload", "chunk"])
@pytest.mark.parametrize(
    "location",
    [
        "http://{other}\\@{own}/x",
        "http://{own}\\@{other}/x",
        "http://me:pass@{own}/x",
        "http://{own}@{other}/x",
        "http://127.1:{port}/x",
        "http://{own}:99999/x",
        "/x y",
    ],
)
def test_no_unsafe_location_is_followed(server: Server, storage: Server, location: str, place: str) -> None:
    client = RegistryClient(credentials=Known(Credentials("me", "s3cret")))
    repository = Repository(client, server.host, "team/app", ACCESS)
    unsafe = location.format(own=server.host, other=storage.host, port=server.host.partition(":")[2])
    challenge = Answer(401, headers={"WWW-Authenticate": "Basic"})
    accepted = Answer(202, headers={"Location": f"{UPLOAD}1"})
    client.chunk_sizes[server.host] = 1000 if place == "chunk" else 1 << 20
    refers = Answer(307 if place == "redirect" else 202, headers={"Location": unsafe})
    server.answers = [challenge, *[accepted] * (place == "chunk"), refers]
    with pytest.raises(RegistryError, match="refers to an unsafe URL") as caught:
        repository.blob(BLOB_DIGEST) if place == "redirect" else put(repository)
    assert storage.lines == []
    assert len(server.lines) == (3 if place == "chunk" else 2)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "realm",
    [
        "http://tokens.example.com/token",  # a password would be sent in plain text
        "http://[::1",
        "https:///token",
        "ftp://127.0.0.1/token",
        "//127.0.0.1/token",
        "http://tokens.example.com\\\\@127.0.0.1/token",
        "https://tokens.example.com\\\\@127.0.0.1/token",
        "https://me:pass@tokens.example.com/token",
        "https://tokens.example.com:0/token",
        "https://tokens%2eexample/token",
    ],
)
def test_passwords_are_not_sent_to_unsafe_token_servers(server: Server, repository: Repository, realm: str) -> None:
    server.answers = [Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})]
    with pytest.raises(UnauthorizedError, match="refers to an unsafe token server"):
        repository.manifest("1")


def test_a_redirect_from_https_to_http_is_rejected() -> None:
    client = RegistryClient()
    with pytest.raises(RegistryError, match=r"redirects to storage\.example\.com over plain HTTP"):
        client.request(
            "PUT", "registry.example.com", "http://storage.example.com/", access=ACCESS, expected={201}, what="it"
        )
