"""Files that are verified while they are read."""

from __future__ import annotations

import io

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.cache.verified_file import VerifiedFile
from fairing_kfp.errors import TransientError
from fairing_kfp.image.descriptor import digest_of

DATA = b"0123456789"


@pytest.mark.parametrize("size", [1, 4, 10, 11, -1])
def test_an_intact_file(size: int) -> None:
    damaged: list[bool] = []
    file = VerifiedFile(io.BytesIO(DATA), digest_of(DATA), len(DATA), lambda: damaged.append(True))
    read = b""
    while part := file.read(size):
        read += part
    assert (read, damaged) == (DATA, [])


@pytest.mark.parametrize("data", [b"012345678x", b"012345678", DATA + b"x", b""])
@pytest.mark.parametrize("size", [5, 100])
def test_the_last_read_of_a_damaged_file_fails(data: bytes, size: int) -> None:
    damaged: list[bool] = []
    file = VerifiedFile(io.BytesIO(data), digest_of(DATA), len(DATA), lambda: damaged.append(True))
    with pytest.raises(TransientError, match="was damaged"):
        list(iter(lambda: file.read(size), b""))
    assert damaged == [True]


def test_a_damaged_blob_is_dropped_when_it_is_read(cache: Cache) -> None:
    digest = cache.put_blob(DATA)
    cache.blob_path(digest).write_bytes(b"x" * len(DATA))
    file = cache.open_blob(digest, len(DATA))
    assert file
    with file, pytest.raises(TransientError):
        file.read(len(DATA))
    assert cache.open_blob(digest, len(DATA)) is None


def test_a_blob_of_another_size_counts_as_missing(cache: Cache) -> None:
    digest = cache.put_blob(DATA)
    assert cache.open_blob(digest, 9) is None
    with cache.open_blob(digest, 10) or io.BytesIO() as file:
        assert file.read(100) == DATA
