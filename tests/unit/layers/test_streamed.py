from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import File
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.layers.stored_gzip import blocks, store
from fairing_kfp.layers.streamed import streamed_layer

SIZES = (0, 1, 511, 512, 65_535, 65_536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000)


def written(folder: Path, **files: bytes) -> dict[str, Path]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return {f"mnt/models/{name}": folder / name for name in files}


@pytest.mark.parametrize("size", SIZES)
def test_it_equals_the_layer_of_the_same_files_in_memory(size: int, tmp_path: Path) -> None:
    data = bytes(index % 251 for index in range(1000)) * (size // 1000 + 1)
    files = written(tmp_path, a=data[:size], b=b"other")

    layer = streamed_layer("model", files)
    known = layer_of_files("model", [File(path, file.read_bytes()) for path, file in files.items()])

    assert (layer.digest, layer.diff_id, layer.size) == (known.digest, known.diff_id, known.size)
    with layer.open() as first, layer.open() as second:
        whole = first.read()
        assert whole == b"".join(iter(lambda: second.read(10_007), b""))
    assert f"sha256:{hashlib.sha256(whole).hexdigest()}" == layer.digest
    with tarfile.open(fileobj=io.BytesIO(whole), mode="r:gz") as archive:
        assert archive.getnames()[-2:] == ["mnt/models/a", "mnt/models/b"]


@given(st.lists(st.binary(max_size=200_000), max_size=6))
def test_blocks_do_not_depend_on_how_the_content_is_split(pieces: list[bytes]) -> None:
    assert b"".join(blocks(pieces)) == store(b"".join(pieces))


def test_a_file_that_changes_while_it_is_sent(tmp_path: Path) -> None:
    files = written(tmp_path, a=b"a" * 100)
    layer = streamed_layer("model", files)
    for data in (b"b" * 99, b"b" * 101, b""):
        (tmp_path / "a").write_bytes(data)
        with layer.open() as file, pytest.raises(PackError, match="changed while it was packed"):
            file.read()
    (tmp_path / "a").unlink()

    with layer.open() as file, pytest.raises(PackError, match="cannot pack"):
        file.read()
    with pytest.raises(PackError, match="cannot pack"):
        streamed_layer("model", files)


def test_a_whiteout_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")

    with pytest.raises(PackError, match=r"\.wh\."):
        streamed_layer("model", {"mnt/models/.wh.a": tmp_path / "a"})
