"""Pruning, also while other processes use the cache."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairing_kfp.cache.prune import entries, prune
from fairing_kfp.cache.store import Cache
from tests.support.caches import DAY, age, end_leases, kinds, make_tree
from tests.support.paths import TOP


def test_everything_is_listed_with_size_and_use(filled: Cache) -> None:
    found = {entry.kind: entry for entry in entries(filled.root)}
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
    assert entries(filled.root)[0] == found["blobs"]


def test_least_recently_used_entries_are_removed_first(filled: Cache) -> None:
    total = sum(entry.size for entry in entries(filled.root))
    assert prune(filled.root, max_size=total).removed == ()
    first = prune(filled.root, max_size=total - 1)
    assert kinds(first.removed) == ["blobs"]
    assert first.left == total - 1000
    everything = prune(filled.root, max_size=0)
    assert kinds(everything.removed) == ["pycache", "python", "roots", "steps", "trees"]
    assert kinds(entries(filled.root)) == ["records/lock"]  # records are small
    assert filled.record("lock", "k") == "v"


def test_old_entries_are_removed(filled: Cache) -> None:
    gone = prune(filled.root, older_than=2.2 * DAY).removed
    assert kinds(gone) == ["blobs", "pycache", "python", "roots", "steps"]
    assert kinds(prune(filled.root, older_than=0).removed) == ["records/lock", "trees"]
    assert entries(filled.root) == []


def test_a_dry_run_removes_nothing(filled: Cache) -> None:
    before = entries(filled.root)
    assert len(prune(filled.root, older_than=0, dry_run=True).removed) == len(before)
    assert entries(filled.root) == before


def test_use_counts(filled: Cache) -> None:
    [blob] = [entry.path for entry in entries(filled.root) if entry.kind == "blobs"]
    assert filled.blob(f"sha256:{blob.name}")
    filled.record("lock", "k")
    done = prune(filled.root, older_than=DAY / 2)
    assert "blobs" not in kinds(done.removed)
    assert "records/lock" not in kinds(done.removed)
    assert kinds(prune(filled.root, older_than=0).in_use) == ["blobs", "records/lock"]  # used just now


def test_leased_folders_stay_until_the_process_ends(filled: Cache) -> None:
    script = (
        "import sys, time; from pathlib import Path; from fairing_kfp.cache.store import Cache\n"
        "Cache(Path(sys.argv[1])).folder('trees', 'one', lambda scratch: 1 / 0)\n"
        "print('uses it', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(filled.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "uses it\n"
        age(filled.root / "trees/one", 1)  # although it started to use it a day ago
        done = prune(filled.root, older_than=DAY / 2)
        assert kinds(done.in_use) == ["trees"]
        assert (filled.root / "trees/one").is_dir()
        (filled.root / "trees/one/package/more.py").touch()
        filled.folder("trees", "one", lambda _: pytest.fail("made again while another process uses it"))
        age(filled.root / "trees/one", 1)
        process.kill()
        process.wait(10)
    filled.folder("trees", "one", make_tree(2000))
    assert not (filled.root / "trees/one/package/more.py").exists()
    end_leases(filled.root)
    age(filled.root / "trees/one", 1)
    assert kinds(prune(filled.root, older_than=DAY / 2).removed) == ["trees"]


def test_only_abandoned_temporary_files_are_removed(filled: Cache) -> None:
    (filled.root / "tmp/old").mkdir(parents=True)
    (filled.root / "tmp/new").write_bytes(b"being written")
    age(filled.root / "tmp/old", 2)
    assert [entry.path.name for entry in prune(filled.root).removed] == ["old"]
    done = prune(filled.root, older_than=0)
    assert [entry.path.name for entry in done.in_use] == ["new"]


def test_read_only_folders_are_removed_too(cache: Cache) -> None:
    def make(scratch: Path) -> Path:
        place = make_tree(5)(scratch)
        (place / "package").chmod(0o500)
        return place

    cache.folder("trees", "x", make)
    end_leases(cache.root)
    age(cache.root / "trees/x", 1)
    assert "trees" in kinds(prune(cache.root, max_size=0).removed)
    assert not (cache.root / "trees/x").exists()
    assert not list((cache.root / "tmp").iterdir())


PROGRAM = """
import os, random, sys, time
from pathlib import Path
from fairing_kfp.cache.store import Cache
from fairing_kfp.cache.prune import prune
from tests.support.caches import make_tree
root, seed = Path(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
cache = Cache(root)
for turn in range(60):
    number = random.randrange(5)
    place = cache.folder("trees", str(number), make_tree(1000 + number))
    assert (place / "package/module.py").stat().st_size == 1000 + number
    digest = cache.put_blob(bytes(1000 + number))
    path = cache.blob(digest)
    assert path.stat().st_size == 1000 + number, path
    cache.put_record("kind", str(number), [number] * 100)
    assert cache.record("kind", str(number)) in ([number] * 100, None)
    for one in [*root.glob("trees/*"), *root.glob("records/*/*")]:  # makes them look old
        try:
            os.utime(one, (1, 1))
        except OSError:
            pass
    if seed % 2:
        prune(root, older_than=3600)
    elif turn % 7 == 0:
        (place / "package/extra").write_text("damage")
"""


def test_concurrent_processes_use_damage_and_prune(cache: Cache) -> None:
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(cache.root), str(seed)], env=environment, stderr=subprocess.PIPE
        )
        for seed in range(3)
    ]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert not list((cache.root / "tmp").iterdir())
    for number in range(5):
        place = cache.folder("trees", str(number), make_tree(1000 + number))
        assert [path.name for path in (place / "package").iterdir()] == ["module.py"]
