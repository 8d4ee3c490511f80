"""Several logins for one registry, and token servers that refuse several scopes at once."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.repository import Repository
from tests.support.hostile_registry import base_documents
from tests.support.scripted_registry import ACCESS, MANIFEST, Answer, Request, Server
from tests.support.small_images import image, layer

CONFIG, LAYER, BASE = base_documents()


class Logins:
    """One login for each repository."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked = 0

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        self.asked += 1
        return Credentials(repository, f"pass-of-{repository}") if repository in self.names else None


class Guarded:
    """A registry whose repositories have one user each, of the same name.

    Attributes:
        scheme: `Basic` or `Bearer`.
        at_once: the number of scopes that the token server grants at once; it refuses more, or ignores the first ones.
        refuses: whether it refuses more.
        asked: the user and the scopes of each request for a token.
    """

    def __init__(self, server: Server, scheme: str, at_once: int = 9, refuses: bool = True) -> None:
        self.server, self.scheme, self.at_once, self.refuses = server, scheme, at_once, refuses
        self.asked: list[tuple[str, list[str]]] = []
        self.blobs: dict[str, bytes] = {}
        server.rule = self.answer

    def answer(self, request: Request) -> Answer:
        path = urlsplit(request.path)
        query = parse_qs(path.query)
        if path.path == "/token":
            return self.token(request, query.get("scope", []))
        name = path.path.removeprefix("/v2/").partition("/blobs")[0].partition("/manifests")[0]
        needed = [f"{name}:pull" if request.method in ("GET", "HEAD") else f"{name}:pull,push"]
        if source := query.get("from", [name])[0]:
            needed += [f"{source}:pull"] * (source != name)
        if not all(self.allows(request, one) for one in needed):
            scope = " ".join(f"repository:{one}" for one in needed)
            challenge = f'{self.scheme} realm="http://{self.server.host}/token",scope="{scope}"'
            return Answer(401, headers={"WWW-Authenticate": challenge})
        if request.method == "POST":
            return Answer(202, headers={"Location": f"/v2/{name}/blobs/uploads/1"})
        if request.method == "PUT":
            return Answer(201)
        if "manifests" in path.path:
            return Answer(body=BASE)
        return Answer(body=next(data for data in (CONFIG, LAYER.open().read()) if digest_of(data) in path.path))

    def allows(self, request: Request, needed: str) -> bool:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic" and self.scheme == "Basic":
            return user(value) == needed.partition(":")[0]
        granted = json.loads(base64.b64decode(value)) if kind == "Bearer" else []
        name, _, actions = needed.partition(":")
        return any(
            (one.startswith(f"repository:{name}:") and one.endswith(actions[-4:]))
            or one == f"repository:{name}:pull,push"
            for one in granted
        )

    def token(self, request: Request, scopes: list[str]) -> Answer:
        name = user(request.headers.get("Authorization", "Basic ").partition(" ")[2])
        self.asked.append((name, sorted(scopes)))
        if len(scopes) > self.at_once and self.refuses:
            return Answer(400)
        granted = [scope for scope in scopes[-self.at_once :] if scope.split(":")[1] in (name, "") or not name]
        return Answer(body=json.dumps({"token": base64.b64encode(json.dumps(granted).encode()).decode()}).encode())


def user(encoded: str) -> str:
    return base64.b64decode(encoded).decode().partition(":")[0]


def publish(server: Server, folder: Path, store: Any) -> str:
    client = RegistryClient(credentials=store)
    builder = AppendBuilder(f"{server.host}/team", cache=Cache(folder), client=client)
    try:
        return builder.publish(image(f"{server.host}/base:1", layer("code")))
    finally:
        builder.close()
        client.close()


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_each_repository_is_reached_with_its_own_login(server: Server, tmp_path: Path, scheme: str) -> None:
    guarded = Guarded(server, scheme)
    assert publish(server, tmp_path, Logins("base", "team")).startswith(f"{server.host}/team@sha256:")
    sent = [line for line in server.lines if line.startswith("PUT")]
    assert len(sent) == 4  # the base's layer, which cannot be mounted, the code, the config and the manifest
    for name, scopes in guarded.asked:
        own = {scope.split(":")[1] for scope in scopes}
        assert name in own
        assert own == {"base"} or name == "team"


def test_one_login_is_one_token(server: Server, tmp_path: Path) -> None:
    guarded = Guarded(server, "Bearer")
    publish(server, tmp_path, Logins())
    assert guarded.asked == [("", ["repository:base:pull", "repository:team:pull,push"])]
    assert "mount" in " ".join(server.lines)


def test_a_mount_that_is_denied_is_not_tried_again(server: Server, tmp_path: Path) -> None:
    Guarded(server, "Bearer")
    client = RegistryClient(credentials=Logins("base", "team"))
    target = Repository(client, server.host, "team", frozenset({"repository:team:pull,push", "repository:base:pull"}))
    for name in ("a", "b", "c"):
        one = layer(name)
        assert target.put_blob(one.digest, one.size, one.open, mount_from="base") == "sent"
    mounts = [line for line in server.lines if "from=base" in line]
    assert len({line.partition("mount=")[2] for line in mounts}) == 1


@pytest.mark.parametrize("refuses", [True, False])
def test_a_token_server_that_grants_one_scope_at_a_time(server: Server, tmp_path: Path, refuses: bool) -> None:
    guarded = Guarded(server, "Bearer", at_once=1, refuses=refuses)
    assert publish(server, tmp_path, Logins()).startswith(f"{server.host}/team@sha256:")
    assert ("", ["repository:team:pull,push"]) in guarded.asked
    if refuses:
        assert sum(len(scopes) > 1 for _, scopes in guarded.asked) == 1  # it is remembered


def test_a_wrong_password_is_still_an_error(server: Server) -> None:
    server.rule = lambda request: Answer(401, headers={"WWW-Authenticate": f'Bearer realm="http://{server.host}/t"'})
    with pytest.raises(UnauthorizedError, match="a token for"):
        Repository(RegistryClient(credentials=Logins("team/app")), server.host, "team/app", ACCESS).manifest("1")
    assert len(server.lines) < 5


def test_a_manifest_needs_the_login_of_its_own_repository(server: Server) -> None:
    server.answers = [Answer(401, headers={"WWW-Authenticate": "Basic"}), Answer(body=MANIFEST.data)]
    Repository(
        RegistryClient(credentials=Logins("team/app", "base/python")), server.host, "base/python", ACCESS
    ).manifest("1")
    assert user(server.requests[1].headers["Authorization"].partition(" ")[2]) == "base/python"
