from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.atomic_file import write_atomic
from fairing_kfp.errors import ConfigError


def test_folders_are_created_and_no_partial_file_is_left(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b.txt", "one")
    write_atomic(tmp_path / "a" / "b.txt", "two")

    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"b.txt": "two"}


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()

    with pytest.raises(ConfigError, match=r"cannot write .*b\.txt"):
        write_atomic(tmp_path / "b.txt", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]
