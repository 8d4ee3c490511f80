"""Real registries that ask who we are, over TLS, through a proxy; and a second implementation of a registry."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import RegistryError, UnauthorizedError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials, StaticCredentials
from fairing_kfp.registry.tls import Tls
from tests.support.listener import listening, pump
from tests.support.narrow_proxy import size_limiting_proxy
from tests.support.small_images import assert_whole, image, layer, push_small_base, repository

pytestmark = pytest.mark.registry

ME = Credentials("me", "s3cret:with-colon")
# The same by bcrypt, as `htpasswd -nbB -C 4` writes it.
HTPASSWD = "me:$2y$04$sM94hOcBApWK/MjvdAykHeR.DWpqP6Pz3V0PessrHeI53R/BLUkda\n"


def publish(client: RegistryClient, host: str, folder: Path, *layers: Any) -> str:
    builder = AppendBuilder(f"{host}/team/app", cache=Cache(folder), client=client, tag="v1")
    try:
        return builder.publish(image(f"{host}/base:1", *(layers or [layer("code", os.urandom(20))])))
    finally:
        builder.close()


def push_and_judge(client: RegistryClient, host: str, folder: Path, *layers: Any) -> None:
    push_small_base(client, host, "base", layer("base"))
    reference = publish(client, host, folder, *layers)
    assert reference.endswith(assert_whole(client, host, "team/app", "v1").digest)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, serve: Any, authority: Any) -> Any:
    """A registry over TLS that requires a user name and password."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    with serve(folder, auth, tls=authority) as registry:
        yield registry


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory, serve: Any, authority: Any) -> Any:
    """A registry over TLS that requires a client certificate."""
    with serve(tmp_path_factory.mktemp("mutual"), tls=authority, clients=True) as registry:
        yield registry


@pytest.fixture
def tls(tmp_path: Path, guarded: Any, authority: Any) -> Tls:
    return Tls(folders=(authority.trusted_for(tmp_path / "certs.d", guarded.host),))


def login(host: str) -> dict[str, Any]:
    return {host: {"auth": base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()}}


class TestBasicOverTls:
    def test_given_in_code(self, guarded: Any, tls: Tls, tmp_path: Path) -> None:
        push_and_judge(
            RegistryClient(credentials=StaticCredentials({guarded.host: ME}), tls=tls), guarded.host, tmp_path
        )

    @pytest.mark.parametrize(
        ("variable", "file", "key"),
        [
            ("DOCKER_CONFIG", "config.json", "https://{}"),
            ("DOCKER_CONFIG", "config.json", "{}"),
            ("DOCKER_CONFIG", ".dockerconfigjson", "https://{}/v2/"),
            ("REGISTRY_AUTH_FILE", ".dockerconfigjson", "{}"),
            ("XDG_RUNTIME_DIR", "containers/auth.json", "{}"),
            ("XDG_CONFIG_HOME", "containers/auth.json", "{}"),
        ],
    )
    def test_from_files(
        self,
        guarded: Any,
        tls: Tls,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
        file: str,
        key: str,
    ) -> None:
        path = tmp_path / "login" / file
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"auths": login(key.format(guarded.host))}))
        monkeypatch.setenv(variable, str(tmp_path / "login"))
        push_and_judge(RegistryClient(tls=tls), guarded.host, tmp_path)

    def test_by_repository(self, guarded: Any, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "auth.json").write_text(
            json.dumps({"auths": {**login(f"{guarded.host}/team"), **login(f"{guarded.host}/base")}})
        )
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
        client = RegistryClient(tls=tls)
        push_and_judge(client, guarded.host, tmp_path)
        with pytest.raises(UnauthorizedError):
            repository(client, guarded.host, "elsewhere").manifest("1")

    def test_from_a_helper(self, guarded: Any, tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        helper = tmp_path / "docker-credential-tests"
        answer = json.dumps({"Username": ME.username, "Secret": ME.password})
        helper.write_text(f"#!/bin/sh\n[ \"$(cat)\" = {guarded.host} ] && echo '{answer}'\n")
        helper.chmod(0o755)
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {guarded.host: "tests"}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        push_and_judge(RegistryClient(tls=tls), guarded.host, tmp_path)

    @pytest.mark.parametrize("known", [None, Credentials("me", "wr0ng")])
    def test_refused(self, guarded: Any, tls: Tls, tmp_path: Path, known: Credentials | None) -> None:
        client = RegistryClient(credentials=StaticCredentials({guarded.host: known} if known else {}), tls=tls)
        with pytest.raises(UnauthorizedError, match=guarded.host) as caught:
            publish(client, guarded.host, tmp_path)
        assert f"docker login {guarded.host}" in caught.value.remedy
        assert "wr0ng" not in str(caught.value)

    def test_secrets_do_not_show(
        self, guarded: Any, tls: Tls, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        client = RegistryClient(credentials=StaticCredentials({guarded.host: ME}), tls=tls)
        push_and_judge(client, guarded.host, tmp_path)
        encoded = base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()
        shown = f"{caplog.text} {client!r} {vars(client)!r} {vars(client._authorizer)!r}"
        assert guarded.host.partition(":")[2] in shown
        assert "s3cret" not in shown
        assert encoded not in shown

    def test_an_early_refusal_of_a_large_upload_is_read(self, guarded: Any, tls: Tls, tmp_path: Path) -> None:
        """The registry answers 401 while megabytes are still to come, and closes."""
        client = RegistryClient(credentials=StaticCredentials({}), tls=tls)
        large = b"\0" * (32 << 20)
        with pytest.raises(UnauthorizedError, match="requires a user name"):
            client.request(
                "PUT",
                guarded.host,
                "/v2/team/app/blobs/uploads/1",
                access=frozenset(),
                expected={201},
                what="it",
                headers={"Content-Length": str(len(large))},
                body=lambda: io.BytesIO(large),
            )


class TestTrust:
    def test_an_unknown_authority(self, guarded: Any, tmp_path: Path) -> None:
        (tmp_path / "empty" / guarded.host).mkdir(parents=True)  # it speaks TLS; nobody is trusted for it
        with pytest.raises(RegistryError, match="is not trusted: unable to get local issuer") as caught:
            publish(RegistryClient(tls=Tls(folders=(tmp_path / "empty",))), guarded.host, tmp_path)
        assert "--ca FILE" in caught.value.remedy

    def test_an_authority_by_name(self, guarded: Any, tmp_path: Path, authority: Any) -> None:
        (tmp_path / "empty" / guarded.host).mkdir(parents=True)
        tls = Tls(ca=str(authority.ca), folders=(tmp_path / "empty",))
        push_and_judge(
            RegistryClient(credentials=StaticCredentials({guarded.host: ME}), tls=tls), guarded.host, tmp_path
        )

    @pytest.mark.parametrize("layout", [False, True])
    def test_a_client_certificate(self, tmp_path: Path, mutual: Any, authority: Any, layout: bool) -> None:
        folder = authority.trusted_for(tmp_path / "certs.d", mutual.host)
        with pytest.raises(RegistryError) as caught:
            publish(RegistryClient(tls=Tls(folders=(folder,))), mutual.host, tmp_path / "none")
        assert "client certificate" in caught.value.message
        if layout:
            (folder / mutual.host / "client.cert").write_bytes((authority.folder / "client.crt").read_bytes())
            (folder / mutual.host / "client.key").write_bytes((authority.folder / "client.key").read_bytes())
        tls = Tls(client_cert=None if layout else str(authority.client), folders=(folder,))
        push_and_judge(RegistryClient(tls=tls), mutual.host, tmp_path)


class TestTokens:
    def test_one_token_over_tls(self, tmp_path: Path, serve: Any, token_server: Any, authority: Any) -> None:
        with serve(tmp_path / "bearer", token_server.auth(), tls=authority) as registry:
            folder = authority.trusted_for(tmp_path / "certs.d", registry.host)
            client = RegistryClient(tls=Tls(folders=(folder,)))
            push_small_base(client, registry.host, "base", layer("base"))
            token_server.asked.clear()
            publish(client, registry.host, tmp_path)
            assert token_server.asked == [["repository:base:pull", "repository:team/app:pull,push"]]
            assert_whole(client, registry.host, "team/app", "v1")


@dataclass
class ConnectProxy:
    """A proxy that leads every name to one place on this machine, and writes down what it was asked."""

    to: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    wants: str = ""


@pytest.fixture
def connect_proxy() -> Iterator[ConnectProxy]:
    state = ConnectProxy()

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(4096)):
                return
            head += data
        state.asked.append(head.decode("latin-1"))
        if state.wants and f"Proxy-Authorization: {state.wants}".lower() not in head.decode("latin-1").lower():
            client.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        address, _, port = state.to.partition(":")
        upstream = socket.create_connection((address, int(port)))
        if head.startswith(b"CONNECT "):
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            # One request a connection, as the absolute URL of the next would not be seen.
            upstream.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)

    with listening(serve) as address:
        state.url = f"http://{address}"
        yield state


class TestProxies:
    NAME = "registry.example.com"  # of no address: only the proxy leads there

    def test_tls_through_a_proxy(
        self,
        guarded: Any,
        connect_proxy: ConnectProxy,
        authority: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        connect_proxy.to, connect_proxy.wants = guarded.host, "Basic bWU6cHIweHk="
        monkeypatch.setenv("HTTPS_PROXY", connect_proxy.url.replace("//", "//me:pr0xy@"))
        client = RegistryClient(credentials=StaticCredentials({self.NAME: ME}), tls=Tls(ca=str(authority.ca)))
        push_and_judge(client, self.NAME, tmp_path)
        assert {head.split(" HTTP/")[0] for head in connect_proxy.asked} == {f"CONNECT {self.NAME}:443"}
        assert not [head for head in connect_proxy.asked if "\r\nAuthorization" in head]

    def test_a_proxy_that_refuses(
        self, guarded: Any, connect_proxy: ConnectProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect_proxy.to, connect_proxy.wants = guarded.host, "Basic somebody"
        monkeypatch.setenv("HTTPS_PROXY", connect_proxy.url.replace("//", "//me:pr0xy@"))
        with pytest.raises(RegistryError, match=r"registry registry\.example\.com through the proxy: .*407") as caught:
            publish(RegistryClient(), self.NAME, tmp_path)
        assert "pr0xy" not in str(caught.value)

    def test_plain_http_through_a_proxy(
        self, shared_registry: Any, connect_proxy: ConnectProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect_proxy.to = shared_registry.host
        monkeypatch.setenv("HTTP_PROXY", connect_proxy.url)
        push_and_judge(RegistryClient(insecure=[self.NAME]), self.NAME, tmp_path)
        assert connect_proxy.asked[0].split(" ")[1].startswith(f"http://{self.NAME}/v2/base/")

    def test_exempt_registries_are_spoken_to_directly(
        self, connect_proxy: ConnectProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", connect_proxy.url)
        monkeypatch.setenv("NO_PROXY", "example.com")
        with pytest.raises(RegistryError, match=r"cannot connect to the registry registry\.example\.com"):
            publish(RegistryClient(), self.NAME, tmp_path)
        assert connect_proxy.asked == []


@pytest.fixture(scope="module")
def other_kind(go_registry: Callable[[], Any]) -> Iterator[str]:
    with go_registry() as host:
        yield host


@pytest.mark.exhaustive  # the tests above on another registry, which takes half a minute to build
class TestAnotherImplementation:
    """go-containerregistry's registry, which keeps all in memory."""

    def test_push(self, other_kind: str, tmp_path: Path, unique: str) -> None:
        push_and_judge(RegistryClient(), other_kind, tmp_path)

    def test_chunks(self, other_kind: str, tmp_path: Path) -> None:
        client = RegistryClient()
        client.chunk_sizes[other_kind] = 100_000
        push_and_judge(client, other_kind, tmp_path, layer("large", os.urandom(1_050_000)))


def test_foreign_layers_keep_their_urls_and_are_not_sent(shared_registry: Any, tmp_path: Path) -> None:
    foreign = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": f"sha256:{'e' * 64}",
        "size": 12345,
        "urls": ["https://layers.example.com/foreign"],
    }
    client = RegistryClient()
    push_small_base(client, shared_registry.host, "base", layer("base"), foreign=foreign)
    shared_registry.requests()
    publish(client, shared_registry.host, tmp_path)
    assert foreign in assert_whole(client, shared_registry.host, "team/app", "v1").document["layers"]
    assert not [line for line in shared_registry.requests() if "e" * 64 in line]


class TestChunks:
    @pytest.fixture
    def narrow(self, shared_registry: Any) -> Iterator[Any]:
        """A proxy before a docker-registry that lets no request of more than 1 MiB pass, as nginx does."""
        with size_limiting_proxy(shared_registry.host, 1 << 20) as host:
            yield host

    def test_a_proxy_that_limits_the_size(self, narrow: str, shared_registry: Any, tmp_path: Path) -> None:
        client = RegistryClient()
        shared_registry.requests()
        push_and_judge(client, narrow, tmp_path, layer("large", os.urandom(2_500_000)))
        assert client.chunk_sizes == {narrow: 1 << 20}
        requests = [line.split(" ")[0] for line in shared_registry.requests()]
        assert requests.count("PATCH") == 3

    def test_the_base_streams_through_in_chunks(
        self, narrow: str, shared_registry: Any, other_shared_registry: Any, tmp_path: Path
    ) -> None:
        client = RegistryClient()
        push_small_base(client, other_shared_registry.host, "base", layer("large", os.urandom(2_500_000)))
        builder = AppendBuilder(f"{narrow}/team/app", cache=Cache(tmp_path), client=client, tag="v1")
        builder.publish(image(f"{other_shared_registry.host}/base:1", layer("code")))
        assert_whole(client, shared_registry.host, "team/app", "v1")
