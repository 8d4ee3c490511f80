"""What goes and what stays, with processes that use the cache meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fairing_kfp.build.cache import Cache
from fairing_kfp.build.prune import bytes_of, entries, prune
from fairing_kfp.cli import main
from fairing_kfp.errors import CacheError, ConfigError

DAY = 86400.0


def made(size: int) -> Any:
    def make(scratch: Path) -> Path:
        (scratch / "tree/package").mkdir(parents=True)
        (scratch / "tree/package/module.py").write_bytes(b"x" * size)
        (scratch / "tree/link").symlink_to("package")
        return scratch / "tree"

    return make


def age(path: Path, days: float) -> None:
    os.utime(path, (time.time() - days * DAY,) * 2)


def kinds(found: Any) -> list[str]:
    return sorted(entry.kind for entry in found)


@pytest.fixture
def filled(cache: Cache) -> Cache:
    """A blob, a record and a folder that another process made, unused for 3, 2 and 1 days."""
    script = (
        "import sys; from pathlib import Path; from fairing_kfp.build.cache import Cache\n"
        "from tests.unit.build.test_prune import made\n"
        "cache = Cache(Path(sys.argv[1])); cache.put_blob(bytes(1000)); cache.put_record('lock', 'k', 'v')\n"
        "cache.folder('trees', 'one', made(2000))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", script, str(cache.root)], env=environment, check=True)
    (cache.root / "steps").mkdir()
    (cache.root / "steps/key.json").write_text("{}")
    (cache.root / "pycache/home").mkdir(parents=True)
    (cache.root / "pycache/home/module.pyc").write_bytes(bytes(10))
    (cache.root / "python/key").mkdir(parents=True)
    (cache.root / "roots/key").mkdir(parents=True)
    for entry in entries(cache):
        days = {"blobs": 3, "records/lock": 2, "trees": 1}.get(entry.kind, 2.5)
        age(entry.path, days)
    age(cache.root / "pycache/home", 2.5)
    return cache


def test_everything_is_listed_with_size_and_use(filled: Cache) -> None:
    found = {entry.kind: entry for entry in entries(filled)}
    assert set(found) == {
        "blobs",
        "records/lock",
        "trees",
        "steps",
        "pycache",
        "python",
        "roots",
    }
    assert (found["blobs"].size, found["trees"].size, found["pycache"].size) == (1000, 2000, 10)
    assert time.time() - found["blobs"].last_used == pytest.approx(3 * DAY, abs=60)
    assert entries(filled)[0] == found["blobs"]


def test_the_longest_unused_makes_room(filled: Cache) -> None:
    total = sum(entry.size for entry in entries(filled))
    assert prune(filled, max_size=total).removed == ()
    first = prune(filled, max_size=total - 1)
    assert kinds(first.removed) == ["blobs"]
    assert first.left == total - 1000
    everything = prune(filled, max_size=0)
    assert kinds(everything.removed) == ["pycache", "python", "roots", "steps", "trees"]
    assert kinds(entries(filled)) == ["records/lock"]  # which hardly take room
    assert filled.record("lock", "k") == "v"


def test_what_is_too_old_goes(filled: Cache) -> None:
    gone = prune(filled, older_than=2.2 * DAY).removed
    assert kinds(gone) == ["blobs", "pycache", "python", "roots", "steps"]
    assert kinds(prune(filled, older_than=0).removed) == ["records/lock", "trees"]
    assert entries(filled) == []


def test_a_dry_run_removes_nothing(filled: Cache) -> None:
    before = entries(filled)
    assert len(prune(filled, older_than=0, dry_run=True).removed) == len(before)
    assert entries(filled) == before


def test_use_counts(filled: Cache) -> None:
    [blob] = [entry.path for entry in entries(filled) if entry.kind == "blobs"]
    assert filled.blob(f"sha256:{blob.name}")
    filled.record("lock", "k")
    done = prune(filled, older_than=DAY / 2)
    assert "blobs" not in kinds(done.removed)
    assert "records/lock" not in kinds(done.removed)
    assert kinds(prune(filled, older_than=0).in_use) == ["blobs", "records/lock"]  # used just now


def test_what_a_running_process_uses_stays_until_it_ends(filled: Cache) -> None:
    script = (
        "import sys, time; from pathlib import Path; from fairing_kfp.build.cache import Cache\n"
        "Cache(Path(sys.argv[1])).folder('trees', 'one', lambda scratch: 1 / 0)\n"
        "print('uses it', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(filled.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "uses it\n"
        age(filled.root / "trees/one", 1)  # it was long ago that it began
        done = prune(filled, older_than=DAY / 2)
        assert kinds(done.in_use) == ["trees"]
        assert (filled.root / "trees/one").is_dir()
        (filled.root / "trees/one/package/more.py").touch()
        filled.folder("trees", "one", lambda _: pytest.fail("made again under the process that uses it"))
        age(filled.root / "trees/one", 1)
        process.kill()
        process.wait(10)
    filled.folder("trees", "one", made(2000))
    assert not (filled.root / "trees/one/package/more.py").exists()
    shutil.rmtree(filled.root / "in-use")  # as if this process had ended, too
    age(filled.root / "trees/one", 1)
    assert kinds(prune(filled, older_than=DAY / 2).removed) == ["trees"]


def test_abandoned_temporary_files_go_and_others_stay(filled: Cache) -> None:
    (filled.root / "tmp/old").mkdir(parents=True)
    (filled.root / "tmp/new").write_bytes(b"being written")
    age(filled.root / "tmp/old", 2)
    assert [entry.path.name for entry in prune(filled).removed] == ["old"]
    done = prune(filled, older_than=0)
    assert [entry.path.name for entry in done.in_use] == ["new"]


def test_folders_that_cannot_be_written_go_too(cache: Cache) -> None:
    def make(scratch: Path) -> Path:
        place = made(5)(scratch)
        (place / "package").chmod(0o500)
        return place

    cache.folder("trees", "x", make)
    other = Cache(cache.root.rename(cache.root.parent / "moved"))
    shutil.rmtree(other.root / "in-use")  # as if this process had ended
    age(other.root / "trees/x", 1)
    assert "trees" in kinds(prune(other, max_size=0).removed)
    assert not (other.root / "trees/x").exists()
    assert not list((other.root / "tmp").iterdir())


class TestBound:
    def test_a_cache_keeps_within_its_bound(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path / "cache", max_size=100_000)
        for number in range(50):
            digest = cache.put_blob(bytes(9_000) + bytes([number]))
            age(cache.blob_path(digest), 1 + (50 - number) / 100)
        blobs = [entry for entry in entries(cache) if entry.kind == "blobs"]
        assert sum(entry.size for entry in blobs) <= 110_000
        assert cache.blob(digest)

    def test_the_variable_sets_it(self, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAIRING_KFP_CACHE_SIZE", "2kB")
        first = cache.put_blob(bytes(1500))
        age(cache.blob_path(first), 1)
        cache.put_blob(bytes(1501))
        assert cache.blob(first) is None
        monkeypatch.setenv("FAIRING_KFP_CACHE_SIZE", "much")
        with pytest.raises(ConfigError, match="'much' is not a size"):
            cache.put_blob(bytes(10))

    def test_looking_is_rare(self, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        cache.put_blob(b"1")
        monkeypatch.setattr("fairing_kfp.build.prune.prune", lambda *_, **__: pytest.fail("looked again"))
        for number in range(20):
            cache.put_blob(bytes([number]))

    def test_recent_entries_stay_even_beyond_it(self, tmp_path: Path) -> None:
        cache = Cache(tmp_path / "cache", max_size=10)
        digests = [cache.put_blob(bytes(1000) + bytes([number])) for number in range(5)]
        assert all(cache.blob(digest) for digest in digests)


class TestFolders:
    def test_it_is_made_once(self, cache: Cache) -> None:
        place = cache.folder("trees", "x", made(5))
        assert cache.folder("trees", "x", lambda _: pytest.fail("made again")) == place

    @pytest.mark.parametrize("damage", ["change", "remove", "add", "mode", "link", "gone"])
    def test_a_damaged_one_is_made_again(self, cache: Cache, damage: str) -> None:
        place = cache.folder("trees", "x", made(5))
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
        again = cache.folder("trees", "x", made(5))
        assert again == place
        assert module.read_bytes() == b"xxxxx"
        assert os.readlink(place / "link") == "package"  # noqa: PTH115
        assert sorted(path.name for path in (place / "package").iterdir()) == ["module.py"]
        assert list((cache.root / "tmp").iterdir()) == []

    def test_an_error_while_making_leaves_nothing(self, cache: Cache) -> None:
        def fail(scratch: Path) -> Path:
            made(5)(scratch)
            raise OSError(28, "No space left on device")

        with pytest.raises(CacheError, match="cannot be used: No space left on device"):
            cache.folder("trees", "x", fail)
        assert not (cache.root / "trees").exists()
        assert list((cache.root / "tmp").iterdir()) == []


PROGRAM = """
import os, random, sys, time
from pathlib import Path
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.prune import prune
from tests.unit.build.test_prune import made
root, seed = Path(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
cache = Cache(root)
for turn in range(60):
    number = random.randrange(5)
    place = cache.folder("trees", str(number), made(1000 + number))
    assert (place / "package/module.py").stat().st_size == 1000 + number
    digest = cache.put_blob(bytes(1000 + number))
    path = cache.blob(digest)
    assert path.stat().st_size == 1000 + number, path
    cache.put_record("kind", str(number), [number] * 100)
    assert cache.record("kind", str(number)) in ([number] * 100, None)
    for one in [*root.glob("trees/*"), *root.glob("records/*/*")]:  # which look old at once
        try:
            os.utime(one, (1, 1))
        except OSError:
            pass
    if seed % 2:
        prune(Cache(root), older_than=3600)
    elif turn % 7 == 0:
        (place / "package/extra").write_text("damage")
"""


def test_processes_side_by_side_use_damage_and_prune(cache: Cache) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(cache.root), str(seed)], env=environment, stderr=subprocess.PIPE
        )
        for seed in range(4)
    ]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert not list((cache.root / "tmp").iterdir())
    for number in range(5):
        place = cache.folder("trees", str(number), made(1000 + number))
        assert [path.name for path in (place / "package").iterdir()] == ["module.py"]


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("10B", 10), ("1.5 kB", 1500), ("20GB", 20 * 10**9), ("1MiB", 1 << 20)]
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 parsec", "1e9"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a size"):
        bytes_of(text)


class TestCommand:
    @pytest.fixture
    def call(self, filled: Cache, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("FAIRING_KFP_CACHE", str(filled.root))

        def called(*arguments: str) -> tuple[int, str]:
            result = CliRunner().invoke(main, ["cache", *arguments], catch_exceptions=False)
            return result.exit_code, result.output

        return called

    def test_list(self, call: Any, filled: Cache) -> None:
        code, output = call("list")
        assert code == 0
        rows = {line.split()[0]: line.split() for line in output.splitlines()[2:]}
        assert rows["blobs"] == ["blobs", "1", "1.0", "kB", "3", "d", "ago"]
        assert rows["trees"] == ["trees", "1", "2.0", "kB", "1", "d", "ago"]
        assert "trees/one" in call("list", "--entries")[1]
        listed = json.loads(call("list", "--json")[1])
        assert [Path(one["path"]) for one in listed] == [one.path for one in entries(filled)]

    def test_prune(self, call: Any, filled: Cache) -> None:
        assert call("prune", "--older-than", "60h", "-n")[1].startswith("would remove ")
        code, output = call("prune", "--older-than", "60h")
        assert (code, output.startswith("removed ")) == (0, True)
        assert "blobs" not in kinds(entries(filled))
        assert "trees" in kinds(entries(filled))
        assert call("prune", "--max-size", "1kB", "-q") == (0, "")
        assert "trees" not in kinds(entries(filled))
        call("prune", "--all")
        assert entries(filled) == []
        assert call("list")[1].strip().endswith("0 entries, 0 B\n  kind  entries  size  last used")

    @pytest.mark.parametrize("options", [[], ["--older-than", "old"], ["--max-size", "big"]])
    def test_misuse(self, call: Any, filled: Cache, options: list[str]) -> None:
        before = entries(filled)
        assert call("prune", *options)[0] == 2
        assert entries(filled) == before
