"""Registries that answer by script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.stop import Stop
from tests.support.scripted_registry import ACCESS, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def storage() -> Iterator[Server]:
    """Another host, such as the blob storage of a registry."""
    with serving() as state:
        yield state


@pytest.fixture
def client() -> RegistryClient:
    return RegistryClient()


@pytest.fixture
def repository(server: Server, client: RegistryClient) -> Repository:
    return Repository(client, server.host, "team/app", ACCESS)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Records the pauses between attempts instead of sleeping."""
    slept: list[float] = []
    monkeypatch.setattr(Stop, "wait", lambda self, seconds: slept.append(seconds))
    return slept
