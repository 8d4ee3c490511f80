"""Wheels that are changed after they were unpacked: in our cache, and in uv's."""

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from fairing_kfp.cache import leases
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies import layers, unpacked, uv, verified
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack_each
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from tests.support.shelf import hashed

IMAGE = Target.for_image(sys.version_info[:2])
PUBLISHED, EVIL = "value = 'published'\n", "value = 'changed!!'\n"


@pytest.fixture
def lock(shelf, cache):
    shelf.wheel("ant", files={"ant/code.py": PUBLISHED, "ant/other.txt": "1"})
    shelf.wheel("bee")
    return resolve(["ant", "bee"], IMAGE, cache)


def in_layers(lock, cache: Cache) -> dict[str, bytes]:
    """The files of the packages in the layers of an image."""
    found = {}
    for layer in layers.dependency_layers(lock, cache, "gzip"):
        with layer.open() as blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
            for entry in archive:
                if entry.isfile():
                    found[entry.name.removeprefix(f"{DEPENDENCIES}/")] = archive.extractfile(entry).read()
    return found


def assert_is_published(found: dict[str, bytes]) -> None:
    assert found["ant/code.py"] == PUBLISHED.encode()
    assert "ant/added.py" not in found
    assert f"ant/code.py,{hashed(PUBLISHED.encode())},{len(PUBLISHED)}" in found["ant-1.0.dist-info/RECORD"].decode()


def edit(path: Path, text: str) -> None:
    """Changes a file, and leaves its size and times as they were."""
    times = path.stat()
    path.write_text(text)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def edit_record(root: Path, old: str, new: str) -> None:
    (record,) = root.rglob("ant-1.0.dist-info/RECORD")
    assert old in record.read_text()
    record.write_text(record.read_text().replace(old, new))


def tamper_file(root: Path) -> None:
    (code,) = (path for path in root.rglob("code.py") if path.parent.name == "ant")
    edit(code, EVIL)


def tamper_record(root: Path) -> None:
    (record,) = root.rglob("ant-1.0.dist-info/RECORD")
    edit(record, record.read_text().replace(hashed(PUBLISHED.encode()), hashed(EVIL.encode())))


def tamper_both(root: Path) -> None:
    tamper_file(root)
    tamper_record(root)


def add_file(root: Path) -> None:
    (code,) = (path for path in root.rglob("code.py") if path.parent.name == "ant")
    (code.parent / "added.py").write_text(EVIL)


def link_file(root: Path) -> None:
    (code,) = (path for path in root.rglob("code.py") if path.parent.name == "ant")
    code.unlink()
    code.symlink_to("other.txt")


def more(*tampers):
    return [pytest.param(tamper, marks=pytest.mark.exhaustive) for tamper in tampers]


@pytest.mark.parametrize("tamper", [tamper_both, link_file, *more(tamper_file, add_file)])
def test_unpacked_wheels_are_made_again(lock, cache, tamper):
    tamper(unpack_each(lock, cache)["ant"])
    assert_is_published(in_layers(lock, cache))


@pytest.mark.parametrize("tamper", [add_file, *more(tamper_file)])
def test_combined_folders_are_made_again(lock, cache, tamper):
    whole = in_layers(lock, cache)
    for blob in (cache.root / "blobs/sha256").iterdir():
        blob.unlink()
    for tree in (cache.root / "trees").iterdir():  # hard links: a changed file is changed in both
        if any(path.name == "code.py" and path.parent.name == "ant" for path in tree.rglob("*")):
            tamper(tree)
    assert in_layers(lock, cache) == whole


def test_a_folder_that_is_changed_again_is_an_error(lock, cache, monkeypatch):
    tree = unpack_each(lock, cache)["ant"]
    tamper_file(tree)
    monkeypatch.setattr(leases, "leased", lambda root, by_others=False: {f"trees/{tree.name}"})  # another process's
    with pytest.raises(DependencyError, match=r"unpacked files of ant==1\.0 in .* were changed") as caught:
        in_layers(lock, cache)
    assert "fairing-kfp cache prune" in str(caught.value)
    assert not any((cache.root / "blobs").rglob("*"))


def without_digest(root: Path) -> None:
    tamper_file(root)
    edit_record(root, f"{hashed(PUBLISHED.encode())},{len(PUBLISHED)}", ",")


def without_row(root: Path) -> None:
    edit_record(root, f"ant/code.py,{hashed(PUBLISHED.encode())},{len(PUBLISHED)}", "")


@pytest.mark.parametrize("tamper", [tamper_file, add_file, without_digest, *more(tamper_record, without_row)])
def test_wheels_in_the_cache_of_uv_are_fetched_again(lock, cache, tmp_path, tamper):
    unpack_each(lock, Cache(tmp_path / "other"))  # fills uv's cache
    tamper(tmp_path / "uv")
    assert_is_published(in_layers(lock, cache))


def test_a_record_that_was_changed_with_its_file_is_known_from_before(lock, cache, tmp_path):
    unpack_each(lock, cache)
    shutil.rmtree(cache.root / "trees")
    tamper_both(tmp_path / "uv")
    assert_is_published(in_layers(lock, cache))


def test_a_wheel_that_cannot_be_fetched_again_is_an_error(lock, cache, tmp_path, monkeypatch):
    unpack_each(lock, Cache(tmp_path / "other"))  # fills uv's cache
    tamper_file(tmp_path / "uv")
    run_pip = uv.run_pip

    def offline(command, arguments, *rest, **variables):
        if "--no-cache" in arguments:
            raise DependencyError("the index cannot be reached")
        return run_pip(command, arguments, *rest, **variables)

    monkeypatch.setattr(uv, "run_pip", offline)
    with pytest.raises(
        DependencyError, match=r"uv's cache has changed files of ant==1\.0.*cannot be reached"
    ) as caught:
        unpack_each(lock, cache)
    assert "uv cache clean ant" in str(caught.value)


def test_layers_in_the_cache_are_not_verified_again(lock, cache, monkeypatch):
    whole = in_layers(lock, cache)
    monkeypatch.setattr(verified, "content_digest", None)
    monkeypatch.setattr(unpacked, "content_digest", None)
    assert in_layers(lock, cache) == whole
