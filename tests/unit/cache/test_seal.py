from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairing_kfp.cache.seal import Seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder/package").mkdir(parents=True)
    (tmp_path / "folder/package/module.py").write_bytes(b"12345")
    return tmp_path / "folder"


def test_a_seal_round_trips(folder: Path, tmp_path: Path) -> None:
    seal = Seal.of(folder)
    (tmp_path / "seal").write_bytes(seal.dump())

    assert Seal.read(tmp_path / "seal") == seal == Seal.of(folder)
    assert seal.size == 5


def test_a_change_of_the_same_size_changes_the_seal(folder: Path) -> None:
    seal = Seal.of(folder)
    (folder / "package/module.py").write_bytes(b"54321")
    os.utime(folder / "package/module.py", (1, 1))

    assert Seal.of(folder) != seal


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"outline": "x", "size": "large"}'])
def test_a_damaged_seal_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seal").write_bytes(content)

    assert Seal.read(tmp_path / "seal") is None
    assert Seal.read(tmp_path / "none") is None
