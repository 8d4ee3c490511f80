from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.whole_file import write_whole


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", "one")
    write_whole(tmp_path / "a" / "b.txt", "two")

    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"b.txt": "two"}


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()

    with pytest.raises(ConfigError, match=r"b\.txt cannot be written"):
        write_whole(tmp_path / "b.txt", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]
