"""Requests of the append builder; integration tests cover its images."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import InvalidReferenceError, NotFoundError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.registry.client import RegistryClient


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
