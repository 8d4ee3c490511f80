"""What the append builder asks for; what comes of it is for the integration tests to show."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import NotFoundError, ReferenceError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.registry.client import RegistryClient


class Deaf(RegistryClient):
    """Writes down the registry and the scopes of a request, and finds nothing."""

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
def test_one_token_serves_base_and_target(cache: Cache, base: str, scopes: set[str]) -> None:
    """A registry's challenge names the scope of one request only; mounting needs the base's as well."""
    client = Deaf()
    builder = AppendBuilder("registry.example.com/me", cache=cache, client=client)
    with pytest.raises(NotFoundError):
        builder.plan(Image("train", Reference.parse(base), (), Platform("linux", "amd64"), (3, 12)))
    assert client.asked == [(Reference.parse(base).registry, scopes)]


def test_a_malformed_target_is_refused(cache: Cache) -> None:
    with pytest.raises(ReferenceError):
        AppendBuilder("registry.example.com/Me", cache=cache, client=Deaf())
