"""A registry in memory, and an image in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from tests.support.attested_images import Publisher
from tests.support.memory_registry import MemoryRegistry
from tests.support.scripted_registry import Server, serving


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def server(registry: MemoryRegistry) -> Iterator[Server]:
    with serving() as state:
        state.rule = registry
        yield state


@pytest.fixture
def publisher(server: Server, cache: Cache, tmp_path: Path) -> Publisher:
    found = Publisher(server.host, cache, tmp_path)
    found.push_base()
    return found
