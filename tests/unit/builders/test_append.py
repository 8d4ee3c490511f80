"""Requests of the append builder; integration tests cover its images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ImageError, InvalidReferenceError, NotFoundError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.registry.client import RegistryClient
from tests.support.memory_registry import MemoryRegistry
from tests.support.scripted_registry import Answer, Request, Server, serving
from tests.support.small_images import image, layer, push_small_base


class EmptyRegistryClient(RegistryClient):
    """Records the registry and the scopes of each request; answers that nothing exists."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, set[str]]] = []

    def request(self, method: str, registry: str, path: str, *, access: Any, **_: Any) -> Any:
        self.asked.append((registry, set(access)))
        raise NotFoundError(path)


@pytest.mark.parametrize(
    ("base", "scopes"),
    [
        ("registry.example.com/base/python:3", {"repository:base/python:pull", "repository:me:pull,push"}),
        ("registry.example.com/me:3", {"repository:me:pull", "repository:me:pull,push"}),
        ("python:3", {"repository:library/python:pull"}),
    ],
)
def test_one_token_covers_base_and_target(cache: Cache, base: str, scopes: set[str]) -> None:
    """A registry's challenge names the scope of one request only, but mounting needs the base's as well."""
    client = EmptyRegistryClient()
    builder = AppendBuilder("registry.example.com/me", cache=cache, client=client)
    with pytest.raises(NotFoundError):
        builder.plan(Image("train", Reference.parse(base), (), Platform("linux", "amd64"), (3, 12)))
    assert client.asked == [(Reference.parse(base).registry, scopes)]


def test_malformed_target(cache: Cache) -> None:
    with pytest.raises(InvalidReferenceError):
        AppendBuilder("registry.example.com/Me", cache=cache, client=EmptyRegistryClient())


@pytest.fixture
def server() -> Iterator[Server]:
    """A registry in memory with a base image."""
    with serving() as state:
        state.rule = MemoryRegistry()
        push_small_base(RegistryClient(), state.host, "base", layer("base"))
        state.requests.clear()
        yield state


def publish(server: Server, cache: Cache, *, base: str = "base:1", name: str = "code", tag: str | None = None) -> str:
    """Publishes an image like a new process does, with a new client; returns its reference."""
    client = RegistryClient()
    builder = AppendBuilder(f"{server.host}/app", cache=cache, client=client, tag=tag)
    try:
        return builder.publish(image(f"{server.host}/{base}", layer(name)))
    finally:
        builder.close()
        client.close()


def requests(server: Server) -> list[str]:
    """The requests since the last call, without queries."""
    lines = [line.partition("?")[0].rpartition("sha256:")[0] or line.partition("?")[0] for line in server.lines]
    server.requests.clear()
    return lines


def together(server: Server, *lines: str) -> Callable[[], None]:
    """Lets the registry answer these requests only when all of them have arrived; returns what ends that."""
    barrier, answer = threading.Barrier(len(lines)), Server.answer

    def wait(request: Request) -> Answer:
        if f"{request.method} {request.path.partition('?')[0]}".startswith(lines):
            barrier.wait(30)
        return answer(server, request)

    server.answer = wait  # type: ignore[method-assign]
    return lambda: setattr(server, "answer", lambda request: answer(server, request))


class TestRequests:
    def test_a_first_push(self, server: Server, cache: Cache) -> None:
        end = together(server, "POST /v2/app/blobs/uploads/", "POST /v2/app/blobs/uploads/", "POST /v2/app/blobs/up")
        publish(server, cache)
        end()
        sent = requests(server)
        assert sent[:2] == ["GET /v2/base/manifests/1", "GET /v2/base/blobs/"]
        assert sorted(sent[2:-1]) == ["POST /v2/app/blobs/uploads/"] * 3 + ["PUT /v2/app/blobs/uploads/1"] * 2
        assert sent[-1].startswith("PUT /v2/app/manifests/train-")

    def test_a_changed_layer_and_the_config_are_sent_at_once(self, server: Server, cache: Cache) -> None:
        publish(server, cache)
        requests(server)
        together(server, "POST /v2/app/blobs/uploads/", "POST /v2/app/blobs/up")
        publish(server, cache, name="changed")
        sent = requests(server)
        assert sent[0] == "HEAD /v2/base/manifests/1"
        assert len(sent) == 6

    def test_both_tags_are_asked_for_at_once_if_nothing_changed(self, server: Server, cache: Cache) -> None:
        pushed = publish(server, cache)
        requests(server)
        together(server, "HEAD /v2/base/manifests/1", "HEAD /v2/app/manifests/train-")
        assert publish(server, cache) == pushed
        assert len(requests(server)) == 2

    def test_a_base_that_has_moved(self, server: Server, cache: Cache) -> None:
        """The answer for the tag that the image had on the former base does not count."""
        pushed = publish(server, cache, tag="latest")
        push_small_base(RegistryClient(), server.host, "base", layer("base"), layer("more"))
        requests(server)
        assert publish(server, cache, tag="latest") != pushed
        assert [line for line in requests(server) if line.startswith("PUT /v2/app/manifests")] == [
            "PUT /v2/app/manifests/latest"
        ]

    def test_a_base_that_has_moved_and_does_not_fit(self, server: Server, cache: Cache) -> None:
        publish(server, cache)
        push_small_base(RegistryClient(), server.host, "base", layer("base"), python="3.9")
        requests(server)
        with pytest.raises(ImageError, match=r"3\.9"):
            publish(server, cache)
        assert not [line for line in requests(server) if line.startswith(("POST", "PUT"))]

    def test_an_image_that_the_registry_has_lost(self, server: Server, cache: Cache) -> None:
        pushed = publish(server, cache)
        server.rule = MemoryRegistry()
        push_small_base(RegistryClient(), server.host, "base", layer("base"))
        requests(server)
        assert publish(server, cache) == pushed
        assert requests(server)[-1].startswith("PUT /v2/app/manifests/")

    def test_an_unsupported_base_opens_no_upload(self, server: Server, cache: Cache) -> None:
        push_small_base(RegistryClient(), server.host, "old", layer("base"), python="3.9")
        requests(server)
        with pytest.raises(ImageError):
            publish(server, cache, base="old:1")
        assert requests(server) == ["GET /v2/old/manifests/1", "GET /v2/old/blobs/"]


def test_a_damaged_layer_is_packed_and_sent_again(server: Server, cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/file").write_text("content")
    packed = layer_of_tree("code", tmp_path / "code", "opt/code", cache, "key")
    cache.blob_path(packed.digest).write_bytes(bytes(packed.size))
    builder = AppendBuilder(f"{server.host}/app", cache=cache, client=RegistryClient())
    builder.publish(replace(image(f"{server.host}/base:1"), layers=(packed,)))
    builder.close()
    assert isinstance(server.rule, MemoryRegistry)
    assert packed.digest in server.rule.blobs
    with packed.open() as file:
        assert server.rule.blobs[packed.digest] == file.read()
