"""The compressed file of a folder: it never changes while the first one is available."""

from __future__ import annotations

import hashlib
import io
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard
from isal import isal_zlib

from fairing_kfp.cache.store import KNOWN_REMOTE, Cache
from fairing_kfp.errors import CacheError
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers import tree as trees
from fairing_kfp.layers import tree_cache as packing
from fairing_kfp.layers.tree_cache import layer_of_tree
from tests.support.paths import TOP


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/text").write_text("a line\n" * 200_000)
    (tmp_path / "tree/noise").write_bytes(random.Random(1).randbytes(1_500_000))
    return tmp_path / "tree"


def packed(root: Path, cache: Cache, key: str = "key", **options: Any) -> Layer:
    return layer_of_tree("dependencies", root, "opt/site", cache, key, **options)


@pytest.fixture
def no_compressor(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError("something was compressed")

    monkeypatch.setattr(trees, "compressor", fail)


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Simulates another release of the compressor, with another output."""

    def upgraded() -> None:
        monkeypatch.setattr(trees, "compressor", lambda _: isal_zlib.compressobj(0, wbits=31))
        monkeypatch.setattr(packing, "identity", lambda _: "isal of tomorrow")

    return upgraded


def test_the_same_content_under_another_key_is_not_compressed(
    root: Path, cache: Cache, request: pytest.FixtureRequest
) -> None:
    first = packed(root, cache, "1")
    request.getfixturevalue("no_compressor")
    assert packed(root, cache, "2") == first
    assert packed(root, cache, "2").open().read() == first.open().read()


def test_a_new_archive_is_read_once(root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "archive_digest", lambda *_: pytest.fail("read in vain"))
    packed(root, cache)


def test_equal_headers_do_not_mean_equal_content(root: Path, cache: Cache) -> None:
    first = packed(root, cache, "1")
    (root / "text").write_text("b line\n" * 200_000)
    assert packed(root, cache, "2").diff_id != first.diff_id


@pytest.mark.parametrize("key", ["key", "another"])
def test_a_new_compressor_does_not_change_an_image(root: Path, cache: Cache, upgrade: Any, key: str) -> None:
    first = packed(root, cache)
    upgrade()
    assert packed(root, cache, key) == first
    assert packed(root, cache, key).open().read() == first.open().read()


def test_a_new_compressor_is_used_once_the_file_is_gone(root: Path, cache: Cache, upgrade: Any) -> None:
    first = packed(root, cache)
    cache.blob_path(first.digest).unlink()
    upgrade()
    second = packed(root, cache)
    assert (second.diff_id, second.digest != first.digest) == (first.diff_id, True)
    assert second.open().read()


def test_the_digest_of_a_layer_in_a_registry_is_kept(root: Path, cache: Cache, upgrade: Any) -> None:
    first = packed(root, cache)
    cache.put_record(KNOWN_REMOTE, first.digest, "registry.example.com/me")
    cache.blob_path(first.digest).unlink()
    upgrade()
    again = packed(root, cache)
    assert again == first
    with pytest.raises(CacheError, match="packs differently now"):  # another registry, or one that has lost it
        again.open()
    assert packed(root, cache).digest != first.digest
    assert packed(root, cache).open().read()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_both_compressions_round_trip(root: Path, cache: Cache, compression: Any) -> None:
    layer = packed(root, cache, compression=compression)
    blob = layer.open().read()
    assert (layer.size, layer.digest) == (len(blob), f"sha256:{hashlib.sha256(blob).hexdigest()}")
    wbits = isal_zlib.decompress(blob, wbits=31) if compression == "gzip" else None
    archive = wbits or zstandard.ZstdDecompressor().decompressobj().decompress(blob)
    assert layer.diff_id == f"sha256:{hashlib.sha256(archive).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        content = tar.extractfile("opt/site/noise")
        assert content
        assert content.read() == (root / "noise").read_bytes()


def test_each_compression_has_its_own_file(root: Path, cache: Cache) -> None:
    gzip, zstd = packed(root, cache), packed(root, cache, compression="zstd")
    assert gzip.diff_id == zstd.diff_id
    assert gzip.digest != zstd.digest
    assert packed(root, cache) == gzip
    assert (gzip.compression, zstd.compression) == ("gzip", "zstd")


PROGRAM = """
import sys
from pathlib import Path
from fairing_kfp.cache.store import Cache
from fairing_kfp.layers.tree_cache import layer_of_tree
for compression in ("gzip", "zstd"):
    print(layer_of_tree("d", Path(sys.argv[1]), "opt", Cache(Path(sys.argv[2])), "key", compression).digest)
"""


def test_processors_and_threads_do_not_matter(root: Path, tmp_path: Path) -> None:
    """The bytes do not depend on the number of processors."""
    made = []
    for number, processors in enumerate([{min(os.sched_getaffinity(0))}, os.sched_getaffinity(0)]):
        command = [sys.executable, "-c", PROGRAM, str(root), str(tmp_path / f"cache{number}")]
        environment = {**os.environ, "PYTHONPATH": str(TOP), "ZSTD_NBTHREADS": str(number * 4)}
        restrict = lambda wanted=processors: os.sched_setaffinity(0, wanted)  # noqa: E731
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, preexec_fn=restrict)
        made.append(done.stdout)
    assert made[0] == made[1]
    assert made[0].count("sha256:") == 2


def test_work_whose_result_is_not_cached_is_announced(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/text").write_text("a line\n")
    announced: list[str] = []
    cache = Cache(tmp_path / "cache", on_miss=announced.append)
    packed(tmp_path / "tree", cache)
    packed(tmp_path / "tree", cache)

    assert announced == ["compressing dependencies"]
