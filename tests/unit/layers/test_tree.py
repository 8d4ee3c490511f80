"""Layers of folders: packed once, cached, and packed again if the cache is damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import resource
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import CacheError, PackError
from fairing_kfp.image import Layer
from fairing_kfp.layers.tree_cache import layer_of_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "package/empty").mkdir(parents=True)
    (root / "package/module.py").write_text("x = 1\n")
    (root / "package/ünï.txt").write_text("text")
    (root / "package.dist-info").mkdir()
    (root / "package.dist-info/METADATA").write_text("Name: package\n")
    (root / "large").write_bytes(random.Random(1).randbytes(3_000_000) + bytes(3_000_000))
    (root / "tool").write_text("#!/bin/sh\n")
    (root / "tool").chmod(0o700)
    (root / "package/link").symlink_to("../tool")
    return root


def members(layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.open().read()))) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_a_tree_reads_back(root: Path, cache: Cache) -> None:
    layer = layer_of_tree("dependencies", root, "opt/site", cache, "key")
    blob = layer.open().read()
    assert (layer.size, layer.digest) == (len(blob), f"sha256:{hashlib.sha256(blob).hexdigest()}")
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(blob)).hexdigest()}"
    found = members(layer)
    assert list(found) == [
        "opt",
        "opt/site",
        "opt/site/large",
        "opt/site/package",
        "opt/site/package/empty",
        "opt/site/package/link",
        "opt/site/package/module.py",
        "opt/site/package/ünï.txt",
        "opt/site/package.dist-info",
        "opt/site/package.dist-info/METADATA",
        "opt/site/tool",
    ]
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in found.values()} == {(0, 0, 0, "")}
    assert found["opt/site/tool"].mode == 0o755
    assert found["opt/site/package/module.py"].mode == 0o644
    assert found["opt/site/package/link"].linkname == "../tool"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob))) as tar:
        content = tar.extractfile("opt/site/large")
        assert content
        assert content.read() == (root / "large").read_bytes()


def test_times_owners_and_location_do_not_matter(root: Path, cache: Cache, tmp_path: Path) -> None:
    first = layer_of_tree("dependencies", root, "opt/site", cache, "1")
    for path in root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    moved = root.rename(tmp_path / "elsewhere")
    (moved / "package/module.py").chmod(0o600)
    assert layer_of_tree("dependencies", moved, "opt/site", cache, "2") == first


def test_a_known_key_reads_nothing(root: Path, cache: Cache) -> None:
    first = layer_of_tree("dependencies", root, "opt/site", cache, "key")
    again = layer_of_tree("dependencies", root / "gone", "opt/site", cache, "key")
    assert again == first
    assert again.open().read() == first.open().read()


def test_a_missing_blob_is_packed_again(root: Path, cache: Cache) -> None:
    first = layer_of_tree("dependencies", root, "opt/site", cache, "key")
    blob = first.open().read()
    cache.blob_path(first.digest).unlink()
    assert layer_of_tree("dependencies", root, "opt/site", cache, "key").open().read() == blob


def test_a_damaged_blob_is_packed_again(root: Path, cache: Cache) -> None:
    layer = layer_of_tree("dependencies", root, "opt/site", cache, "key")
    blob = layer.open().read()
    path = cache.blob_path(layer.digest)
    path.write_bytes(bytes(len(blob)))
    assert layer_of_tree("dependencies", root, "opt/site", cache, "key").open().read() == blob


def test_a_damaged_blob_of_a_changed_tree_is_an_error_once(root: Path, cache: Cache) -> None:
    layer = layer_of_tree("dependencies", root, "opt/site", cache, "key")
    cache.blob_path(layer.digest).write_bytes(bytes(layer.size))
    (root / "tool").write_text("changed")
    with pytest.raises(
        CacheError, match=r"the dependencies layer is not in the cache .* packs differently now"
    ) as caught:
        layer.open()
    assert "again" in caught.value.remedy
    assert layer_of_tree("dependencies", root, "opt/site", cache, "key") != layer


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_file_that_changes_while_it_is_packed(
    root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch, difference: int
) -> None:
    measure = os.fstat

    def mistaken(descriptor: int) -> os.stat_result:
        fields = list(measure(descriptor))
        fields[6] += difference  # st_size
        return os.stat_result(fields)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", mistaken)
        with pytest.raises(PackError, match="changed while it was packed"):
            layer_of_tree("dependencies", root, "opt/site", cache, "key")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "../.."])
def test_links_out_of_the_folder_are_rejected(root: Path, cache: Cache, target: str) -> None:
    (root / "package/out").symlink_to(target)
    with pytest.raises(PackError, match="points outside"):
        layer_of_tree("dependencies", root, "opt/site", cache, "key")


def test_a_pipe_is_rejected(root: Path, cache: Cache) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(PackError, match="pipe is neither a file nor a folder"):
        layer_of_tree("dependencies", root, "opt/site", cache, "key")


def test_a_missing_folder(tmp_path: Path, cache: Cache) -> None:
    with pytest.raises(PackError, match=r"cannot pack .*none: No such file"):
        layer_of_tree("dependencies", tmp_path / "none", "opt/site", cache, "key")


def test_memory_is_constant(tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "tree").mkdir()
    with (tmp_path / "tree/large").open("wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    try:
        layer_of_tree("dependencies", tmp_path / "tree", "opt/site", cache, "key")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


class TestBrokenDisks:
    def entries(self, cache: Cache) -> list[Path]:
        return [path for path in cache.root.glob("*/**/*") if path.is_file()]

    def test_a_full_disk_leaves_no_entry(self, root: Path, cache: Cache) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))  # writing more fails as a full disk does
        try:
            with pytest.raises(CacheError, match="cannot be used"):
                layer_of_tree("dependencies", root, "opt/site", cache, "key")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert self.entries(cache) == []
        assert layer_of_tree("dependencies", root, "opt/site", cache, "key").open().read()

    def test_an_error_of_the_tree_leaves_no_entry(self, root: Path, cache: Cache) -> None:
        os.mkfifo(root / "zzz")  # the last entry
        with pytest.raises(PackError):
            layer_of_tree("dependencies", root, "opt/site", cache, "key")
        assert self.entries(cache) == []

    def test_a_cache_that_is_a_file(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(CacheError, match="cannot be used") as caught:
            layer_of_tree("dependencies", root, "opt/site", Cache(tmp_path / "file/cache"), "key")
        assert "FAIRING_KFP_CACHE" in caught.value.remedy
