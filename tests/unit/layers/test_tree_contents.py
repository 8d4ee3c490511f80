"""Folders of any shape, round-tripped through the standard library's tarfile."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import PackError
from fairing_kfp.image import Layer
from fairing_kfp.layers.tree import archive_digest, headers_digest
from fairing_kfp.layers.tree_cache import layer_of_tree

# Valid in file systems: up to 255 bytes, with spaces, quotes, line ends and letters of any script.
NAME = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60)
    | st.sampled_from(["a b", " ", "ünï", "日本", "-", "--help", "new\nline", "*", "'", "\\", "x" * 255, "é" * 127])
).filter(lambda name: name not in (".", "..") and not name.startswith(".wh.") and len(name.encode()) <= 255)
CONTENT = st.binary(max_size=1500) | st.sampled_from([0, 512, 10_000]).map(bytes)
LEAF = st.one_of(
    st.tuples(st.just("file"), CONTENT, st.booleans()),
    st.tuples(st.just("sparse"), st.integers(1, 3_000_000), st.just(None)),
    st.tuples(st.just("hard"), CONTENT, st.just(None)),
    st.tuples(st.just("symbolic"), NAME, st.just(None)),
)
TREE = st.recursive(
    st.dictionaries(NAME, LEAF, max_size=4), lambda inner: st.dictionaries(NAME, inner | LEAF, max_size=4)
)


def grow(folder: Path, tree: dict[str, Any], hard: Path) -> None:
    for name, content in tree.items():
        path = folder / name
        if isinstance(content, dict):
            path.mkdir()
            grow(path, content, hard)
            continue
        kind, value, executable = content
        if kind == "file":
            path.write_bytes(value)
            path.chmod(0o700 if executable else 0o600)
        elif kind == "sparse":
            with path.open("wb") as file:
                file.truncate(value)
                file.seek(value - 1)
                file.write(b"x")
        elif kind == "hard":
            hard.write_bytes(value)
            os.link(hard, path)
            hard.unlink()
            hard.write_bytes(value)
        else:
            path.symlink_to(value)


def unpacked(layer: Layer) -> dict[str, Any]:
    blob = layer.open().read()
    archive = (
        isal_zlib.decompress(blob, wbits=31)
        if layer.compression == "gzip"
        else zstandard.ZstdDecompressor().decompressobj().decompress(blob)
    )
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            assert member.name not in found
            content = tar.extractfile(member) if member.isfile() else None
            found[member.name] = (
                member.type,
                member.mode,
                member.linkname,
                content.read() if content else None,
            )
    return found


def expected(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"opt": (tarfile.DIRTYPE, 0o755, "", None), "opt/site": (tarfile.DIRTYPE, 0o755, "", None)}
    for path in root.rglob("*"):
        name = f"opt/site/{path.relative_to(root)}"
        if path.is_symlink():
            found[name] = (tarfile.SYMTYPE, 0o777, str(path.readlink()), None)
        elif path.is_dir():
            found[name] = (tarfile.DIRTYPE, 0o755, "", None)
        else:
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            found[name] = (tarfile.REGTYPE, mode, "", path.read_bytes())
    return found


@given(TREE, st.sampled_from(["gzip", "zstd"]))
def test_any_folder_reads_back(tree: dict[str, Any], compression: Any) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "tree")
        root.mkdir()
        grow(root, tree, Path(place, "hard"))
        layer = layer_of_tree("dependencies", root, "opt/site", Cache(Path(place, "cache")), "key", compression)
        assert unpacked(layer) == expected(root)
        assert layer.diff_id == archive_digest(root, "opt/site")


def test_hard_links_within_a_folder_become_files(tmp_path: Path, cache: Cache) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "one").write_bytes(b"shared")
    os.link(root / "one", root / "two")
    found = unpacked(layer_of_tree("dependencies", root, "opt/site", cache, "key"))
    assert found["opt/site/one"] == found["opt/site/two"] == (tarfile.REGTYPE, 0o644, "", b"shared")


@pytest.mark.parametrize("length", [99, 100, 101, 154, 155, 156, 255, 256, 257, 1000, 3000])
def test_paths_of_any_length(tmp_path: Path, cache: Cache, length: int) -> None:
    """Paths at the limits of ustar, and longer ones."""
    parts, left = [], length - len("opt/site/")
    while left > 0:
        parts.append("p" * min(left, 50))
        left -= 51
    folder = tmp_path / "tree"
    at = os.open(tmp_path, os.O_RDONLY)
    try:
        for part in ["tree", *parts[:-1]]:  # one by one, since the whole path may be too long for a system call
            os.mkdir(part, dir_fd=at)
            at, before = os.open(part, os.O_RDONLY, dir_fd=at), at
            os.close(before)
        os.close(os.open(parts[-1], os.O_WRONLY | os.O_CREAT, dir_fd=at))
    finally:
        os.close(at)
    found = unpacked(layer_of_tree("dependencies", folder, "opt/site", cache, "key"))
    assert f"opt/site/{'/'.join(parts)}" in found


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "file").chmod(0o755),
        lambda root: (root / "file").write_text("longer"),
        lambda root: (root / "file").rename(root / "other"),
        lambda root: (root / "more").touch(),
        lambda root: (root / "more").mkdir(),
        lambda root: (root / "more").symlink_to("file"),
    ],
)
def test_changed_headers_change_their_digest(tmp_path: Path, change: Callable[[Path], object]) -> None:
    (tmp_path / "file").write_text("text")
    before = headers_digest(tmp_path, "opt")
    (tmp_path / "file").write_text("TEXT")
    assert headers_digest(tmp_path, "opt") == before
    change(tmp_path)
    assert headers_digest(tmp_path, "opt") != before


@pytest.mark.parametrize("name", [b"\xff\xfe", b".wh.file", b".wh..wh..opq"])
def test_names_that_a_layer_cannot_contain(tmp_path: Path, cache: Cache, name: bytes) -> None:
    (tmp_path / "tree").mkdir()
    os.close(os.open(os.fsencode(tmp_path / "tree") + b"/" + name, os.O_WRONLY | os.O_CREAT))
    with pytest.raises(PackError) as caught:
        layer_of_tree("dependencies", tmp_path / "tree", "opt/site", cache, "key")
    assert caught.value.remedy
