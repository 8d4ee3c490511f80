"""Unpacked wheels: hand-made, installed by uv itself, and normalized."""

import base64
import csv
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies import wheels
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import link, unpack
from fairing_kfp.errors import CacheError, DependencyError
from tests.support.shelf import run_elsewhere

IMAGE = Target.for_image((3, 11 if sys.version_info[:2] == (3, 12) else 12))
"""Of another Python than this, for which byte code would be compiled."""

HOST = Target.for_host()


def hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def tree(root: Path) -> dict:
    """The paths, modes and contents of files."""
    return {
        str(path.relative_to(root)): (path.stat().st_mode & 0o7777, path.read_bytes() if path.is_file() else None)
        for path in sorted(root.rglob("*"))
    }


def run_on(site_folder: Path, code: str) -> str:
    """Runs code in a bare Python with the folder as a site directory."""
    add = f"import site; site.addsitedir({str(site_folder)!r})\n"
    command = [sys.executable, "-I", "-S", "-B", "-c", add + code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_wheels_are_those_of_the_target(shelf, cache):
    for machine in ("x86_64", "aarch64"):
        for python in ("cp311", "cp312"):
            tag = f"{python}-{python}-manylinux_2_28_{machine}"
            shelf.wheel("ant", files={"ant.py": tag}, tag=tag)
    for python, platform, tag in [
        ((3, 12), "linux/amd64", "cp312-cp312-manylinux_2_28_x86_64"),
        ((3, 11), "linux/arm64", "cp311-cp311-manylinux_2_28_aarch64"),
    ]:
        folder = unpack(resolve(["ant"], Target.for_image(python, platform), cache), cache)
        assert (folder / "ant.py").read_text() == tag


def test_a_tree_is_a_site_directory(shelf, cache):
    shelf.wheel("ant", files={"nest/queen.py": "", "ant/eggs.txt": "eggs", "ant/__init__.py": ""})
    shelf.wheel("bee", files={"nest/drone.py": "", "bee.pth": "extra\nimport sys; sys.buzz = True\n"})
    shelf.wheel("cow", files={"extra/calf.py": "", "cow-1.0.data/data/share/cow/milk": "milk"})
    folder = unpack(resolve(["ant", "bee", "cow"], HOST, cache), cache)
    code = """
import importlib.metadata, importlib.resources, pathlib, sys
import nest.queen, nest.drone, calf
milk, = [file for file in importlib.metadata.files("cow") if file.name == "milk"]
print(sys.buzz, importlib.resources.files("ant").joinpath("eggs.txt").read_text(), milk.locate().read_text())
print(importlib.metadata.version("bee"))
"""
    assert run_on(folder, code).split() == ["True", "eggs", "milk", "1.0"]


def test_console_scripts_contain_no_local_path(shelf, cache, tmp_path):
    shelf.wheel(
        "ant",
        files={
            "ant.py": "import sys\nclass Hill:\n    def dig():\n        print('dug', sys.argv[1:])\n        return 3\n",
            "ant-1.0.data/scripts/march": "#!python\nimport ant; print('march')\n",
            "ant-1.0.data/scripts/shell": "#!/bin/sh\necho shell\n",
        },
        entry_points="[console_scripts]\ndig = ant:Hill.dig\n[gui_scripts]\nshow = ant:Hill.dig\n",
    )
    folder = unpack(resolve(["ant"], HOST, cache), cache)
    moved = folder.rename(tmp_path / "moved")
    assert {path.name: path.read_text().splitlines()[0] for path in (moved / "bin").iterdir()} == {
        "dig": "#!/usr/bin/env python3",
        "show": "#!/usr/bin/env python3",
        "march": "#!/usr/bin/env python3",
        "shell": "#!/bin/sh",
    }
    assert (moved / "bin" / "dig").read_text() == (
        "#!/usr/bin/env python3\n"
        "import sys\n"
        "from ant import Hill\n"
        'if __name__ == "__main__":\n'
        "    sys.exit(Hill.dig())\n"
    )
    environment = {"PATH": f"{moved}/bin:{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(moved)}
    dig = subprocess.run(["dig", "deep"], env=environment, capture_output=True, text=True)
    assert (dig.returncode, dig.stdout) == (3, "dug ['deep']\n")
    assert subprocess.run(["march"], env=environment, capture_output=True, text=True).stdout == "march\n"
    assert subprocess.run(["shell"], env=environment, capture_output=True, text=True).stdout == "shell\n"


def test_records_list_existing_files_only(shelf, cache):
    shelf.wheel(
        "ant",
        files={"__pycache__/ant.cpython-312.pyc": "stale", "a, b.py": "", "ant-1.0.data/scripts/go": "#!python\n"},
        entry_points="[console_scripts]\ndig = ant:dig\n",
    )
    shelf.wheel("bee", files={"shared.py": "bee"})
    shelf.wheel("cow", files={"same.py": "cow"})
    folder = unpack(resolve(["ant", "bee", "cow"], IMAGE, cache), cache)
    listed = set()
    for record in folder.glob("*.dist-info/RECORD"):
        rows = list(csv.reader(record.open(newline="")))
        assert rows == sorted(rows)
        for path, digest, size in rows:
            listed.add(path)
            if digest:
                content = (folder / path).read_bytes()
                assert (digest, size) == (hashed(content), str(len(content))), path
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert listed == files
    noise = ("INSTALLER", "REQUESTED", ".lock", "pyc", "direct_url")
    assert not [path for path in files if any(word in path for word in noise)]


def test_records_of_any_installer_are_corrected_and_sorted(tmp_path):
    info = tmp_path / "ant-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(f"z.py,sha256=ant,1\n{info.name}/RECORD,,\nlost.py,,\n")
    (tmp_path / "z.py").write_text("two")
    wheels.normalize(tmp_path, ["z.py"])
    assert (info / "RECORD").read_text() == f"ant-1.0.dist-info/RECORD,,\nz.py,{hashed(b'two')},3\n"


def test_the_last_distribution_wins_a_conflict(shelf, cache):
    names = ["ant", "bee", "cow", "dog", "elk"]
    for name in names:
        shelf.wheel(
            name, files={"shared.py": name, "same.py": "", f"{name}-1.0.data/scripts/run": f"#!/bin/sh\n{name}"}
        )
    for attempt in range(3):
        folder = unpack(resolve(names[attempt:][::-1], IMAGE, cache), cache)
        assert (folder / "shared.py").read_text() == "elk"
        assert (folder / "bin" / "run").read_text() == "#!/bin/sh\nelk"


PROGRAM = """
import os, sys
from pathlib import Path
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.unpacked import unpack
os.umask(int(sys.argv[2], 8))
cache = Cache(Path(sys.argv[1]))
print(unpack(resolve(sys.argv[3:], Target.for_image((3, 12)), cache), cache))
"""


def test_trees_are_reproducible(shelf, tmp_path):
    for name in ("ant", "bee", "cow"):
        entry_points = f"[console_scripts]\nrun = {name}:run\n{name} = {name}:run\n"
        shelf.wheel(name, files={"shared.py": name, f"{name}/x.py": ""}, entry_points=entry_points)
    made = []
    for seed, umask in [("1", "022"), ("2", "077")]:
        output = run_elsewhere(
            PROGRAM,
            ["the cache", umask, "cow", "bee", "ant"],
            tmp_path / f"home of {seed}",
            seed,
            UV_COMPILE_BYTECODE="1",
            UV_LINK_MODE="symlink",
        )
        made.append(Path(output.strip()))
    first, second = map(tree, made)
    assert {mode for mode, _ in first.values()} == {0o644, 0o755}
    assert second == first
    assert len({path.name for path in made}) == 1
    records = [path for folder in made for path in (folder.parents[1] / "records" / "lock").iterdir()]
    assert len({path.name for path in records}) == 1


def test_a_second_unpacking_does_not_run_uv(shelf, cache, no_uv):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, cache)
    folder = unpack(lock, cache)
    no_uv()
    assert unpack(lock, cache) == folder


def test_concurrent_unpacking(shelf, cache):
    shelf.wheel("ant", files={f"ant/{number}.py": "" for number in range(200)})
    lock = resolve(["ant"], IMAGE, cache)
    with ThreadPoolExecutor(4) as threads:
        folders = set(threads.map(lambda _: unpack(lock, cache), range(4)))
    assert len(folders) == 1
    assert len(list((cache.root / "trees").iterdir())) == 1
    assert not list((cache.root / "tmp").iterdir())


def test_an_incomplete_tree_is_never_visible(shelf, cache, monkeypatch):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock = resolve(["ant", "bee"], IMAGE, cache)

    def fail(root, replaced):
        assert list(root.glob("*.py"))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("fairing_kfp.dependencies.wheels.normalize", fail)
        with pytest.raises(CacheError, match="No space left on device"):
            unpack(lock, cache)
    assert not (cache.root / "trees").exists()
    assert not list((cache.root / "tmp").iterdir())
    assert (unpack(lock, cache) / "ant.py").exists()


def test_a_wheel_that_was_replaced_is_refused(shelf, cache, monkeypatch, tmp_path):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant", files={"ant.py": "import evil"})
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another"))
    with pytest.raises(DependencyError, match=r"a different ant==1\.0 than the one that was locked"):
        unpack(lock, cache)


def test_a_lock_without_hashes_is_refused(shelf, cache):
    shelf.wheel("ant")
    with pytest.raises(DependencyError, match=r"ant==1\.0"):
        unpack(Lock(IMAGE, "ant==1.0\n"), cache)


def test_a_damaged_uv_cache_is_bypassed(shelf, cache, tmp_path):
    shelf.wheel("ant", files={"ant/data.txt": "as published", "ant/gone.txt": ""})
    shelf.wheel("bee")
    lock = resolve(["ant", "bee"], IMAGE, cache)
    whole = tree(unpack(lock, Cache(tmp_path / "before")))
    (kept,) = (tmp_path / "uv").rglob("data.txt")
    kept.write_text("edited in an environment that links to it")
    (kept.parent / "gone.txt").unlink()
    assert tree(unpack(lock, cache)) == whole


def test_a_wheel_with_a_wrong_record_is_accepted(shelf, cache):
    shelf.wheel("ant", files={"ant/data.txt": "published"}, lie={"ant/data.txt": "something else", "ant/gone.txt": ""})
    folder = unpack(resolve(["ant"], IMAGE, cache), cache)
    assert (folder / "ant" / "data.txt").read_text() == "published"
    assert f"ant/data.txt,{hashed(b'published')},9" in (folder / "ant-1.0.dist-info" / "RECORD").read_text()
    assert "gone" not in (folder / "ant-1.0.dist-info" / "RECORD").read_text()


def test_unpacking_does_not_modify_the_uv_cache(shelf, cache, tmp_path):
    shelf.wheel("ant", entry_points="[console_scripts]\ndig = ant:dig\n")
    lock = resolve(["ant"], IMAGE, cache)
    folder = unpack(lock, cache)
    inodes = {path.stat().st_ino for path in (tmp_path / "uv").rglob("*") if path.is_file()}
    assert not [path for path in folder.rglob("*") if path.is_symlink() or path.stat().st_ino in inodes]


def test_unusable_cache(shelf, tmp_path):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, Cache(tmp_path / "cache"))
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="FAIRING_KFP_CACHE"):
        unpack(lock, Cache(tmp_path / "file"))


def test_a_damaged_tree_is_unpacked_again(shelf, cache):
    shelf.wheel("ant")
    lock = resolve(["ant"], Target.for_image((3, 12)), cache)
    place = unpack(lock, cache)
    (place / "ant.py").write_text("version = 'tampered with'\n")
    assert (unpack(lock, cache) / "ant.py").read_text() == "version = '1.0'\n"


def test_existing_folders_are_not_combined_again(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path / "cache"), []
    (tmp_path / "ant.py").write_text("x = 1\n")

    def files() -> dict[str, Path | None]:
        made.append(1)
        return {"ant.py": tmp_path / "ant.py"}

    folders = {link(files, f"sha256:{'a' * 64}", cache) for _ in range(2)}

    assert [(folder / "ant.py").read_text() for folder in folders] == ["x = 1\n"]
    assert made == [1]
