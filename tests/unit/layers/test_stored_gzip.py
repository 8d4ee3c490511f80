from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.layers.stored_gzip import store


@given(st.binary(max_size=200_000) | st.integers(65_530, 65_540).map(bytes))
def test_stored_gzip_reads_back(data: bytes) -> None:
    assert gzip.decompress(store(data)) == data


@pytest.mark.parametrize("length", [0, 1, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF])
def test_blocks_at_their_limits(length: int) -> None:
    data = bytes(range(256)) * (length // 256 + 1)
    stored = store(data[:length])
    assert gzip.decompress(stored) == data[:length]
    assert len(stored) == 18 + length + 5 * max(1, -(-length // 0xFFFF))
