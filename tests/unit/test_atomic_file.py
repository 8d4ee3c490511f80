from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.atomic_file import check_writable, write_atomic
from fairing_kfp.errors import ConfigError


def test_folders_are_created_and_no_partial_file_is_left(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b.txt", "one")
    write_atomic(tmp_path / "a" / "b.txt", "two")

    assert {path.name: path.read_text() for path in (tmp_path / "a").iterdir()} == {"b.txt": "two"}


@pytest.mark.parametrize("path", ["folder", "file/b.txt", "file/new/b.txt"])
def test_a_path_is_checked_before_it_is_needed(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=rf"cannot write .*{path}: "):
        check_writable(tmp_path / path)
    check_writable(tmp_path / "folder" / "new" / "b.txt")
    assert not (tmp_path / "folder" / "new").exists()


def test_an_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()

    with pytest.raises(ConfigError, match=r"cannot write .*b\.txt"):
        write_atomic(tmp_path / "b.txt", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]
