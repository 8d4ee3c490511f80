"""Small layers: readable by the standard library and GNU tar, with the same bytes for any order of files."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.image import File, Layer
from fairing_kfp.layers.files import layer_of_files, layer_of_link

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..") and not name.startswith(".wh.")
)
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)


def without_conflicts(files: list[File]) -> list[File]:
    """Drops files whose path is a folder of another file."""
    kept: dict[str, File] = {}
    for file in files:
        if not any(f"{one}/".startswith(f"{file.path}/") or f"{file.path}/".startswith(f"{one}/") for one in kept):
            kept[file.path] = file
    return list(kept.values())


FILES = st.lists(
    st.builds(File, PATH, st.binary(max_size=2000), st.sampled_from([0o644, 0o755, 0o444])), max_size=8
).map(without_conflicts)


def archive(layer: Layer) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.open().read())))


@given(FILES)
def test_files_read_back(files: list[File]) -> None:
    layer = layer_of_files("code", files)
    blob = layer.open().read()
    assert layer.size == len(blob)
    assert layer.digest == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(blob)).hexdigest()}"
    with archive(layer) as tar:
        members = tar.getmembers()
        found = {member.name: member for member in members if member.isfile()}
        assert set(found) == {file.path for file in files}
        for file in files:
            member = found[file.path]
            content = tar.extractfile(member)
            assert content
            assert (content.read(), member.mode) == (file.data, file.mode)
    seen: set[str] = set()
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        assert "/" not in member.name or member.name.rpartition("/")[0] in seen  # folders stand before their content
        if member.isdir():
            assert member.mode == 0o755
            seen.add(member.name)


@given(FILES, st.randoms())
def test_order_does_not_matter(files: list[File], random: st.DataObject) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert layer_of_files("code", shuffled) == layer_of_files("code", files)


def test_the_bytes_are_pinned() -> None:
    """A change here changes every image. It must be intended, and mentioned in the release notes."""
    files = [File("opt/a.py", b"x = 1\n"), File("opt/" + "long/" * 60 + "é.py", b"y" * 70_000, 0o755)]
    assert (
        layer_of_files("code", files).digest
        == "sha256:a18cf012761364fd48b824be3f005663a7139cab37311144a7ed5b17551bd08f"
    )


def test_zlib_does_not_compress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zlib, "compressobj", None)
    monkeypatch.setattr(zlib, "compress", None)
    layer_of_files("code", [File("a", b"a")])


def test_gnu_tar_reads_it(tmp_path: object) -> None:
    paths = ["a/" + "b" * 99, "c/" * 70 + "d" * 80, "e" * 150, "ü/ß"]
    layer = layer_of_files("code", [File(path, path.encode()) for path in paths])
    listed = subprocess.run(
        ["tar", "-tz", "--quoting-style=literal"], input=layer.open().read(), capture_output=True, check=True
    ).stdout.decode()
    assert set(paths) <= set(listed.split("\n"))


def test_it_can_be_opened_several_times() -> None:
    layer = layer_of_files("code", [File("a", b"a")])
    assert layer.open().read() == layer.open().read()


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/./b", "a/../b", "a\0b", "a/.wh.b", "\udc80"])
def test_invalid_paths_are_rejected(path: str) -> None:
    with pytest.raises(PackError) as caught:
        layer_of_files("code", [File(path, b"")])
    assert repr(path) in caught.value.message


def test_two_files_with_the_same_path_are_rejected() -> None:
    with pytest.raises(PackError, match="two files of the code layer have the path 'a'"):
        layer_of_files("code", [File("a", b"1"), File("a", b"2")])


def test_a_file_cannot_be_a_folder() -> None:
    with pytest.raises(PackError, match="'a/b' is both a file and a folder"):
        layer_of_files("code", [File("a/b", b"1"), File("a/b/c", b"2")])


def test_a_link_is_a_layer() -> None:
    made = layer_of_link("link", "mnt/models", "../models")

    (folder, link) = archive(made).getmembers()
    assert (folder.name, folder.mode) == ("mnt", 0o755)
    assert (link.name, link.linkname, link.issym()) == ("mnt/models", "../models", True)
    assert made == layer_of_link("link", "mnt/models", "../models")
