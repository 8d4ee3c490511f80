from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.layers import tar


def empty_file(path: str) -> Iterator[bytes]:
    yield tar.entry(path, tar.FILE, 0o644)


def test_an_archive_has_sorted_entries_for_files_and_folders() -> None:
    archive = b"".join(tar.archive(["b/c", "a", "b/d/e"], empty_file))

    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        assert [(one.name, one.mode) for one in read] == [
            ("a", 0o644),
            ("b", 0o755),
            ("b/c", 0o644),
            ("b/d", 0o755),
            ("b/d/e", 0o644),
        ]


def test_entries_that_ustar_cannot_express_have_pax_headers() -> None:
    large = 8**11
    archive = tar.entry("a" * 300, tar.FILE, 0o644, large) + tar.entry("b", tar.SYMLINK, 0o777, target="ü" * 200)

    with tarfile.open(fileobj=io.BytesIO(archive[:2048])) as read:
        first = read.next()
    assert first
    assert (first.name, first.size) == ("a" * 300, large)
    with tarfile.open(fileobj=io.BytesIO(archive[1536:])) as read:
        second = read.next()
    assert second
    assert (second.name, second.linkname) == ("b", "ü" * 200)


@pytest.mark.parametrize("path", ["", "/a", "a/../b", "a/.wh.b"])
def test_an_archive_with_an_invalid_path(path: str) -> None:
    with pytest.raises(PackError):
        list(tar.archive(["valid", path], empty_file))
