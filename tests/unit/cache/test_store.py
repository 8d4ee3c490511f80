from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache, default_root
from fairing_kfp.errors import CacheError
from tests.support.caches import make_tree

DIGEST = f"sha256:{hashlib.sha256(b'blob').hexdigest()}"


def entries(cache: Cache) -> list[Path]:
    return [path for path in cache.root.glob("*/**/*") if path.is_file()]


def test_a_blob_reads_back(cache: Cache) -> None:
    assert cache.blob(DIGEST) is None
    assert cache.put_blob(b"blob") == DIGEST
    assert cache.put_blob(b"blob") == DIGEST
    path = cache.blob(DIGEST)
    assert path
    assert path.read_bytes() == b"blob"
    assert entries(cache) == [path]


def test_a_damaged_blob_is_dropped(cache: Cache) -> None:
    cache.put_blob(b"blob")
    cache.blob_path(DIGEST).write_bytes(b"bl")
    assert cache.blob(DIGEST) is None
    assert entries(cache) == []


def test_a_record_reads_back(cache: Cache) -> None:
    assert cache.record("kind", "key") is None
    cache.put_record("kind", "key/with:anything", {"a": [1, None]})
    cache.put_record("other", "key/with:anything", 5)
    assert cache.record("kind", "key/with:anything") == {"a": [1, None]}
    assert cache.record("other", "key/with:anything") == 5


def test_a_damaged_record_is_absent(cache: Cache) -> None:
    cache.put_record("kind", "key", 1)
    entries(cache)[0].write_bytes(b'{"a')
    assert cache.record("kind", "key") is None
    assert entries(cache) == []


def test_a_record_with_wrong_content_is_absent(cache: Cache) -> None:
    cache.put_record("kind", "key", {"digest": DIGEST})
    [path] = entries(cache)
    path.write_bytes(path.read_bytes().replace(b'"sha256:f', b'"sha256:0'))
    assert DIGEST.startswith("sha256:f")
    assert cache.record("kind", "key") is None
    assert entries(cache) == []


def test_a_damaged_blob_is_stored_again(cache: Cache) -> None:
    cache.put_blob(b"blob")
    cache.blob_path(DIGEST).write_bytes(b"blab")
    cache.put_blob(b"blob")
    assert cache.blob(DIGEST)


def test_an_error_while_writing_leaves_nothing(cache: Cache) -> None:
    with pytest.raises(ZeroDivisionError), cache.writing() as pending:
        pending.file.write(bytes(1 // 0))
    assert entries(cache) == []


def test_a_full_disk_leaves_nothing(cache: Cache) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # writing more fails as a full disk does
    try:
        with pytest.raises(CacheError, match="cannot be used: File too large"):
            cache.put_blob(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert entries(cache) == []


@pytest.mark.parametrize("use", ["put_blob", "blob", "put_record", "record", "folder"])
def test_a_cache_that_cannot_be_used(tmp_path: Path, use: str) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    uses = {
        "put_blob": lambda: cache.put_blob(b"blob"),
        "blob": lambda: cache.blob(DIGEST),
        "put_record": lambda: cache.put_record("kind", "key", 1),
        "record": lambda: cache.record("kind", "key"),
        "folder": lambda: cache.folder("trees", "x", lambda scratch: scratch),
    }
    with pytest.raises(CacheError, match="cannot be used: Not a directory") as caught:
        uses[use]()
    assert str(cache.root) in caught.value.message
    assert "FAIRING_KFP_CACHE" in caught.value.remedy


def test_concurrent_processes_see_complete_entries(cache: Cache) -> None:
    script = (
        "import sys, pathlib\n"
        "from fairing_kfp.cache.store import Cache\n"
        "cache = Cache(pathlib.Path(sys.argv[1]))\n"
        "for n in range(100):\n"
        "    digest = cache.put_blob(bytes(100_000) + bytes([n % 5]))\n"
        "    assert cache.blob(digest)\n"
        "    cache.put_record('kind', 'key', ['x' * 10_000, n])\n"
        "    assert cache.record('kind', 'key')[0] == 'x' * 10_000\n"
    )
    command = [sys.executable, "-c", script, str(cache.root)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert len(entries(cache)) == 6


def test_the_environment_variable_sets_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRING_KFP_CACHE", "/somewhere")
    assert Cache().root == Path("/somewhere")
    monkeypatch.delenv("FAIRING_KFP_CACHE")
    assert default_root().name == "fairing-kfp"
    assert os.fspath(default_root()).startswith("/")


class TestFolders:
    def test_it_is_made_once(self, cache: Cache) -> None:
        place = cache.folder("trees", "x", make_tree(5))
        assert cache.folder("trees", "x", lambda _: pytest.fail("made again")) == place

    @pytest.mark.parametrize("damage", ["change", "remove", "add", "mode", "link", "gone"])
    def test_a_damaged_one_is_made_again(self, cache: Cache, damage: str) -> None:
        place = cache.folder("trees", "x", make_tree(5))
        module = place / "package/module.py"
        if damage == "change":
            module.write_bytes(b"yyyyy")
        elif damage == "remove":
            module.unlink()
        elif damage == "add":
            (place / "package/other.py").touch()
        elif damage == "mode":
            module.chmod(0o755)
        elif damage == "link":
            (place / "link").unlink()
            (place / "link").symlink_to("elsewhere")
        else:
            place.rename(cache.root / "elsewhere")
        again = cache.folder("trees", "x", make_tree(5))
        assert again == place
        assert module.read_bytes() == b"xxxxx"
        assert os.readlink(place / "link") == "package"  # noqa: PTH115
        assert sorted(path.name for path in (place / "package").iterdir()) == ["module.py"]
        assert list((cache.root / "tmp").iterdir()) == []

    def test_an_error_while_making_leaves_nothing(self, cache: Cache) -> None:
        def fail(scratch: Path) -> Path:
            make_tree(5)(scratch)
            raise OSError(28, "No space left on device")

        with pytest.raises(CacheError, match="cannot be used: No space left on device"):
            cache.folder("trees", "x", fail)
        assert not (cache.root / "trees").exists()
        assert list((cache.root / "tmp").iterdir()) == []
