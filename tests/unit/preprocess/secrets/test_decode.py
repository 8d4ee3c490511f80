"""Encodings, and the readable parts of binary data."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.decode import decode, texts_within

TEXT = "password: für alle\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_decoded(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("data", [b"\0\1\2\3" * 99, b"\0" + bytes(range(1, 256)) * 9, b"\0" * 99])
def test_binary_data_are_not(data: bytes) -> None:
    assert decode(data) is None


def test_the_readable_parts_of_binary_data() -> None:
    data = b"\0\1" + b"in plain sight" + b"\0\xff\xfe" + "in two bytes".encode("utf-16-le") + b"\xff\0"
    assert texts_within(data) == "in plain sight\nin two bytes"
