"""Trees: hand-made wheels, unpacked by uv itself and brought to one form."""

import base64
import csv
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import CacheError, DependencyError
from fairing_kfp.preprocess import wheels
from fairing_kfp.preprocess.dependencies import Lock, Target, resolve, unpack

IMAGE = Target.for_image((3, 12))
HOST = Target.for_host()


def hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def tree(root: Path) -> dict:
    """What a layer would hold: paths, modes, contents."""
    return {
        str(path.relative_to(root)): (path.stat().st_mode & 0o7777, path.read_bytes() if path.is_file() else None)
        for path in sorted(root.rglob("*"))
    }


def run_on(site_folder: Path, code: str) -> str:
    """Runs code in a bare Python to which the folder was added as a site directory."""
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


def test_console_scripts_run_anywhere_and_name_no_path_of_here(shelf, cache, tmp_path):
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


def test_records_name_just_what_is_there(shelf, cache):
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
    wheels.normalise(tmp_path, ["z.py"])
    assert (info / "RECORD").read_text() == f"ant-1.0.dist-info/RECORD,,\nz.py,{hashed(b'two')},3\n"


def test_of_contested_files_those_of_the_last_name_stay(shelf, cache):
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
from fairing_kfp.build.cache import Cache
from fairing_kfp.preprocess.dependencies import Target, resolve, unpack
os.umask(int(sys.argv[2], 8))
cache = Cache(Path(sys.argv[1]))
print(unpack(resolve(sys.argv[3:], Target.for_image((3, 12)), cache), cache))
"""


def test_a_tree_is_the_same_whoever_makes_it(shelf, tmp_path):
    for name in ("ant", "bee", "cow"):
        entry_points = f"[console_scripts]\nrun = {name}:run\n{name} = {name}:run\n"
        shelf.wheel(name, files={"shared.py": name, f"{name}/x.py": ""}, entry_points=entry_points)
    made = []
    for seed, umask in [("1", "022"), ("2", "077"), ("3", "002")]:
        home = tmp_path / f"home of {seed}"
        home.mkdir()
        environment = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "UV_CONFIG_FILE": os.environ["UV_CONFIG_FILE"],
            "UV_COMPILE_BYTECODE": "1",
            "UV_LINK_MODE": "symlink",
        }
        command = [sys.executable, "-c", PROGRAM, "the cache", umask, "cow", "bee", "ant"]
        done = subprocess.run(command, check=True, cwd=home, env=environment, capture_output=True, text=True)
        made.append(Path(done.stdout.strip()))
    first, *others = map(tree, made)
    assert {mode for mode, _ in first.values()} == {0o644, 0o755}
    for other in others:
        assert other == first
    assert len({path.name for path in made}) == 1
    records = [path for folder in made for path in (folder.parents[1] / "records" / "lock").iterdir()]
    assert len({path.name for path in records}) == 1


def test_a_second_unpacking_starts_nothing(shelf, cache, no_uv):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, cache)
    folder = unpack(lock, cache)
    no_uv()
    assert unpack(lock, cache) == folder


def test_unpacking_side_by_side_gives_one_tree(shelf, cache):
    shelf.wheel("ant", files={f"ant/{number}.py": "" for number in range(200)})
    lock = resolve(["ant"], IMAGE, cache)
    with ThreadPoolExecutor(4) as threads:
        folders = set(threads.map(lambda _: unpack(lock, cache), range(4)))
    assert len(folders) == 1
    assert len(list((cache.root / "trees").iterdir())) == 1
    assert not list((cache.root / "tmp").iterdir())


def test_a_half_tree_is_never_seen(shelf, cache, monkeypatch):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock = resolve(["ant", "bee"], IMAGE, cache)

    def fail(root, replaced):
        assert list(root.glob("*.py"))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("fairing_kfp.preprocess.wheels.normalise", fail)
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
    with pytest.raises(DependencyError, match=r"another ant==1\.0 than the one that was locked"):
        unpack(lock, cache)


def test_a_lock_without_hashes_is_refused(shelf, cache):
    shelf.wheel("ant")
    with pytest.raises(DependencyError, match=r"ant==1\.0"):
        unpack(Lock(IMAGE, "ant==1.0\n"), cache)


def test_a_damaged_cache_of_uv_does_not_show(shelf, cache, tmp_path):
    shelf.wheel("ant", files={"ant/data.txt": "as published", "ant/gone.txt": ""})
    shelf.wheel("bee")
    lock = resolve(["ant", "bee"], IMAGE, cache)
    whole = tree(unpack(lock, Cache(tmp_path / "before")))
    (kept,) = (tmp_path / "uv").rglob("data.txt")
    kept.write_text("edited in an environment that links to it")
    (kept.parent / "gone.txt").unlink()
    assert tree(unpack(lock, cache)) == whole


def test_a_wheel_whose_record_lies_is_taken_as_it_is(shelf, cache):
    shelf.wheel("ant", files={"ant/data.txt": "published"}, lie={"ant/data.txt": "something else", "ant/gone.txt": ""})
    folder = unpack(resolve(["ant"], IMAGE, cache), cache)
    assert (folder / "ant" / "data.txt").read_text() == "published"
    assert f"ant/data.txt,{hashed(b'published')},9" in (folder / "ant-1.0.dist-info" / "RECORD").read_text()
    assert "gone" not in (folder / "ant-1.0.dist-info" / "RECORD").read_text()


def test_unpacking_leaves_the_cache_of_uv_alone(shelf, cache, tmp_path):
    shelf.wheel("ant", entry_points="[console_scripts]\ndig = ant:dig\n")
    lock = resolve(["ant"], IMAGE, cache)
    folder = unpack(lock, cache)
    inodes = {path.stat().st_ino for path in (tmp_path / "uv").rglob("*") if path.is_file()}
    assert not [path for path in folder.rglob("*") if path.is_symlink() or path.stat().st_ino in inodes]


def test_a_cache_that_cannot_be_used(shelf, tmp_path):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, Cache(tmp_path / "cache"))
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="FAIRING_KFP_CACHE"):
        unpack(lock, Cache(tmp_path / "file"))
