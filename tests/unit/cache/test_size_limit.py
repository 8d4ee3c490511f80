from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.cache.prune import entries
from fairing_kfp.cache.size_limit import parse_size
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from tests.support.caches import age


def test_a_cache_stays_within_its_limit(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_size=100_000)
    for number in range(50):
        digest = cache.put_blob(bytes(9_000) + bytes([number]))
        age(cache.blob_path(digest), 1 + (50 - number) / 100)
    blobs = [entry for entry in entries(cache.root) if entry.kind == "blobs"]
    assert sum(entry.size for entry in blobs) <= 110_000
    assert cache.blob(digest)


def test_the_variable_sets_it(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRING_KFP_CACHE_SIZE", "2kB")
    first = cache.put_blob(bytes(1500))
    age(cache.blob_path(first), 1)
    cache.put_blob(bytes(1501))
    assert cache.blob(first) is None
    monkeypatch.setenv("FAIRING_KFP_CACHE_SIZE", "much")
    with pytest.raises(ConfigError, match="'much' is not a size"):
        cache.put_blob(bytes(10))


def test_the_size_is_rarely_checked(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put_blob(b"1")
    monkeypatch.setattr("fairing_kfp.cache.prune.prune", lambda *_, **__: pytest.fail("checked again"))
    for number in range(20):
        cache.put_blob(bytes([number]))


def test_recent_entries_stay_even_beyond_it(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_size=10)
    digests = [cache.put_blob(bytes(1000) + bytes([number])) for number in range(5)]
    assert all(cache.blob(digest) for digest in digests)


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("10B", 10), ("1.5 kB", 1500), ("20GB", 20 * 10**9), ("1MiB", 1 << 20)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 parsec", "1e9"])
def test_malformed_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a size"):
        parse_size(text)
