"""Blobs in chunks."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import TransientError
from fairing_kfp.registry.streams import BlobChunks


@given(st.binary(max_size=60), st.lists(st.integers(1, 20), max_size=8), st.sets(st.integers(0, 7)))
def test_chunks_can_be_repeated(data: bytes, lengths: list[int], twice: set[int]) -> None:
    parts, start = BlobChunks(lambda: io.BytesIO(data)), 0
    for index, length in enumerate(lengths):
        length = min(length, len(data) - start)
        for _ in range(2 if index in twice else 1):
            assert parts.chunk(start, length).read() == data[start : start + length]
        start += length
    parts.close()


def test_a_blob_that_is_too_short() -> None:
    part = BlobChunks(lambda: io.BytesIO(b"abc")).chunk(0, 4)
    assert part.read(3) == b"abc"
    with pytest.raises(TransientError, match="shorter"):
        part.read(1)
