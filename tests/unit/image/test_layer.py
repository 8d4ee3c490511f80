"""Small layers: read back by the standard library, and the same bytes whatever the order and the machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.image import File, Layer
from fairing_kfp.image.stored import store

NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=120).filter(
    lambda name: name not in (".", "..") and not name.startswith(".wh.")
)
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)


def without_clashes(files: list[File]) -> list[File]:
    """Drops files of which one lies where another is a folder."""
    kept: dict[str, File] = {}
    for file in files:
        if not any(f"{one}/".startswith(f"{file.path}/") or f"{file.path}/".startswith(f"{one}/") for one in kept):
            kept[file.path] = file
    return list(kept.values())


FILES = st.lists(
    st.builds(File, PATH, st.binary(max_size=2000), st.sampled_from([0o644, 0o755, 0o444])), max_size=8
).map(without_clashes)


def archive(layer: Layer) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.open().read())))


@given(st.binary(max_size=200_000) | st.integers(65_530, 65_540).map(bytes))
@settings(deadline=None)
def test_stored_gzip_reads_back(data: bytes) -> None:
    assert gzip.decompress(store(data)) == data


@pytest.mark.parametrize("length", [0, 1, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF])
def test_blocks_at_their_limits(length: int) -> None:
    data = bytes(range(256)) * (length // 256 + 1)
    stored = store(data[:length])
    assert gzip.decompress(stored) == data[:length]
    assert len(stored) == 18 + length + 5 * max(1, -(-length // 0xFFFF))


@given(FILES)
@settings(deadline=None)
def test_files_read_back(files: list[File]) -> None:
    layer = Layer.of_files("code", files)
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
@settings(deadline=None)
def test_order_does_not_matter(files: list[File], random: st.DataObject) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Layer.of_files("code", shuffled) == Layer.of_files("code", files)


def test_the_bytes_are_pinned() -> None:
    """A change here changes every image there is: only on purpose, with a word in the release notes."""
    files = [File("opt/a.py", b"x = 1\n"), File("opt/" + "long/" * 60 + "é.py", b"y" * 70_000, 0o755)]
    assert (
        Layer.of_files("code", files).digest
        == "sha256:a18cf012761364fd48b824be3f005663a7139cab37311144a7ed5b17551bd08f"
    )


def test_zlib_has_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zlib, "compressobj", None)
    monkeypatch.setattr(zlib, "compress", None)
    Layer.of_files("code", [File("a", b"a")])


def test_gnu_tar_reads_it(tmp_path: object) -> None:
    paths = ["a/" + "b" * 99, "c/" * 70 + "d" * 80, "e" * 150, "ü/ß"]
    layer = Layer.of_files("code", [File(path, path.encode()) for path in paths])
    listed = subprocess.run(
        ["tar", "-tz", "--quoting-style=literal"], input=layer.open().read(), capture_output=True, check=True
    ).stdout.decode()
    assert set(paths) <= set(listed.split("\n"))


def test_it_opens_as_often_as_asked() -> None:
    layer = Layer.of_files("code", [File("a", b"a")])
    assert layer.open().read() == layer.open().read()


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/./b", "a/../b", "a\0b", "a/.wh.b", "\udc80"])
def test_paths_outside_an_image_are_refused(path: str) -> None:
    with pytest.raises(PackError) as caught:
        Layer.of_files("code", [File(path, b"")])
    assert repr(path) in caught.value.message


def test_two_files_of_one_path_are_refused() -> None:
    with pytest.raises(PackError, match="two files of the code layer have the path 'a'"):
        Layer.of_files("code", [File("a", b"1"), File("a", b"2")])


def test_a_file_cannot_be_a_folder() -> None:
    with pytest.raises(PackError, match="'a/b' is both a file and a folder"):
        Layer.of_files("code", [File("a/b", b"1"), File("a/b/c", b"2")])


def test_importing_the_package_is_light() -> None:
    script = "import sys, fairing_kfp.image; print([m for m in ('urllib3', 'isal', 'kfp', 'ssl') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"[]\n"
