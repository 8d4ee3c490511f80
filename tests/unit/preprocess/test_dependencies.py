"""Locks and trees of hand-made wheels: uv itself works here, on a folder instead of an index."""

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import CacheError, DependencyError, PlatformError
from fairing_kfp.preprocess import uv_command, wheels
from fairing_kfp.preprocess.dependencies import Lock, Target, resolve, unpack

IMAGE = Target.for_image((3, 12))
HOST = Target.for_host()


class Shelf:
    """A folder of wheels, from which uv resolves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def wheel(
        self, name, version="1.0", files=None, *, tag="py3-none-any", needs=(), python="", entry_points="", lie=None
    ):
        stem = f"{name}-{version}"
        info = f"{stem}.dist-info"
        metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {n}" for n in needs)]
        metadata += [f"Requires-Python: {python}"] if python else []
        content = {f"{name}.py": f"version = {version!r}\n", **(files or {})}
        content[f"{info}/METADATA"] = "\n".join(metadata) + "\n"
        content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n"
        if entry_points:
            content[f"{info}/entry_points.txt"] = entry_points
        record = io.StringIO()
        rows = [(path, hashed(text.encode()), len(text.encode())) for path, text in {**content, **(lie or {})}.items()]
        csv.writer(record).writerows([*rows, (f"{info}/RECORD", "", "")])
        content[f"{info}/RECORD"] = record.getvalue()
        with zipfile.ZipFile(self.folder / f"{stem}-{tag}.whl", "w") as archive:
            for path, text in content.items():
                archive.writestr(zipfile.ZipInfo(path), text)

    def source(self, name, version="1.0"):
        (self.folder / f"{name}-{version}.tar.gz").write_bytes(b"never opened")


def hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    shelf = Shelf(tmp_path / "shelf")
    settings = tmp_path / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = ['{shelf.folder}']\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return shelf


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def no_uv(monkeypatch):
    """Makes any call of uv a failure."""

    def forbid():
        def run(*arguments):
            raise AssertionError("uv was started")

        monkeypatch.setattr(uv_command, "run", run)

    return forbid


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


# --- resolve


def test_a_lock_pins_everything_with_hashes_and_nothing_else(shelf, cache):
    shelf.wheel("Zebra_x", needs=["ant>=1"])
    shelf.wheel("ant", "1.4")
    lock = resolve(["Zebra.X"], IMAGE, cache)
    assert lock.requirements == ("ant==1.4", "zebra-x==1.0")
    assert re.fullmatch(r"(?:[a-z-]+==[\d.]+ \\\n    --hash=sha256:[0-9a-f]{64}\n){2}", lock.text)


def test_settings_do_not_show_in_a_lock(shelf, cache, monkeypatch):
    shelf.wheel("ant")
    plain = resolve(["ant"], IMAGE, cache)
    settings = Path(os.environ["UV_CONFIG_FILE"])
    noisy = "[pip]\nemit-find-links = true\nemit-index-url = true\nno-annotate = false\nemit-build-options = true\n"
    settings.write_text(settings.read_text() + noisy)
    assert resolve(["ant"], IMAGE, Cache(cache.root / "other")) == plain


def test_order_and_spelling_of_requirements_do_not_matter(shelf, cache, no_uv):
    shelf.wheel("ant")
    shelf.wheel("bee_hive")
    lock = resolve(["bee-hive >=1,<3", "ant"], IMAGE, cache)
    no_uv()
    assert resolve(["Ant", "bee_hive<3,>=1", "ant"], IMAGE, cache) == lock


def test_a_lock_is_kept_when_a_newer_version_appears(shelf, cache):
    shelf.wheel("ant", "1.0")
    first = resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant", "1.1")
    assert resolve(["ant"], IMAGE, cache) == first
    assert resolve(["ant"], IMAGE, Cache(cache.root / "other")).requirements == ("ant==1.1",)


def test_markers_are_those_of_the_target(shelf, cache):
    shelf.wheel("ant", needs=["bee; python_version>='3.12'", "cow; platform_machine=='aarch64'"])
    shelf.wheel("bee")
    shelf.wheel("cow")
    assert resolve(["ant"], IMAGE, cache).requirements == ("ant==1.0", "bee==1.0")
    assert resolve(["ant"], Target.for_image((3, 11), "linux/arm64"), cache).requirements == ("ant==1.0", "cow==1.0")


def test_nothing_asked_for_is_an_empty_lock_and_tree(cache, no_uv):
    no_uv()
    lock = resolve([], IMAGE, cache)
    assert lock == Lock(IMAGE, "")
    assert tree(unpack(lock, cache)) == {}


def test_a_lock_of_any_requirements_file_is_in_order():
    text = """
# how it was made
--index-url https://someone:hush@example.com/simple
bee==2 ; python_version >= "3" \\
    --hash=sha256:22 \\
    --hash=sha256:11
    # via ant
ant==1 --hash=sha256:33
ant-hill==1 \\
    --hash=sha256:44
"""
    lock = Lock.of_requirements_file(IMAGE, text)
    assert lock.text == (
        "ant-hill==1 \\\n    --hash=sha256:44\n"
        "ant==1 \\\n    --hash=sha256:33\n"
        'bee==2 ; python_version >= "3" \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n'
    )
    assert lock.requirements == ("ant-hill==1", "ant==1", "bee==2")
    assert lock.only("ant").text == "ant==1 \\\n    --hash=sha256:33\n"


def test_a_digest_stands_for_text_and_target():
    locks = [Lock(target, text) for target in (IMAGE, Target.for_image((3, 13)), HOST) for text in ("", "ant==1\n")]
    assert len({lock.digest for lock in locks}) == 6
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", lock.digest) for lock in locks)


def test_targets_of_images():
    assert Target.for_image((3, 12), "linux/arm64/v8").platform == "linux/arm64"
    assert str(IMAGE) == "Python 3.12 on linux/amd64 (manylinux_2_28)"
    with pytest.raises(DependencyError, match="linux/s390x"):
        Target.for_image((3, 12), "linux/s390x")
    with pytest.raises(PlatformError):
        Target.for_image((3, 12), "amd64")


# --- bad input


@pytest.mark.parametrize(
    ("requirement", "kind"),
    [
        ("-e .", "editable"),
        ("--editable=./ant", "editable"),
        ("-r requirements.txt", "option"),
        ("--extra-index-url https://someone:hush@example.com", "option"),
        ("git+https://someone:hush@example.com/ant", "version control"),
        ("ant @ git+ssh://git@example.com/ant", "version control"),
        ("ant @ https://someone:hush@example.com/ant-1.0-py3-none-any.whl", "direct address"),
        ("https://example.com/ant-1.0.tar.gz", "direct address"),
        ("ant @ file:///home/ant", "local path"),
        (".", "local path"),
        ("../ant", "local path"),
        ("~/ant", "local path"),
        ("packages/ant", "local path"),
        ("ant-1.0-py3-none-any.whl", "local path"),
        ("ant = 1", "not a requirement"),
        ("ant==", "not a requirement"),
        ("", "not a requirement"),
        ("ant; python_versoin>'3'", "not a requirement"),
    ],
)
def test_only_requirements_by_name_are_taken(requirement, kind, cache, no_uv):
    no_uv()
    with pytest.raises(DependencyError, match=kind) as caught:
        resolve(["bee", requirement], IMAGE, cache)
    assert "hush" not in str(caught.value)
    assert caught.value.remedy


def test_a_text_instead_of_a_list_is_refused(cache):
    with pytest.raises(DependencyError, match=r"packages=\['ant'\]"):
        resolve("ant", IMAGE, cache)


def wrong_python(shelf):
    shelf.wheel("ant", tag="cp311-cp311-manylinux_2_28_x86_64")


def wrong_machine(shelf):
    shelf.wheel("ant", tag="cp312-cp312-manylinux_2_28_aarch64")


def newer_libc(shelf):
    shelf.wheel("ant", tag="cp312-cp312-manylinux_2_35_x86_64")


@pytest.mark.parametrize("only", [wrong_python, wrong_machine, newer_libc])
def test_a_package_without_a_fitting_wheel(only, shelf, cache):
    only(shelf)
    shelf.wheel("bee", needs=["ant"])
    with pytest.raises(DependencyError) as caught:
        resolve(["bee"], IMAGE, cache)
    assert f"packages for {IMAGE}: ant has no wheel for it\n" in str(caught.value)
    assert "UV_FIND_LINKS" in caught.value.remedy


def test_a_package_with_only_a_source_distribution(shelf, cache):
    shelf.source("ant")
    with pytest.raises(DependencyError, match="ant has no wheel for it, only a source distribution\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_package_that_needs_another_python(shelf, cache):
    shelf.wheel("ant", python=">=3.13")
    with pytest.raises(DependencyError, match=r"ant==1.0 requires Python >=3\.13\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_version_that_does_not_exist(shelf, cache):
    shelf.wheel("ant")
    with pytest.raises(DependencyError, match="there is no ant==99\n"):
        resolve(["ant==99"], IMAGE, cache)


def test_a_package_that_does_not_exist(shelf, cache):
    with pytest.raises(DependencyError, match="there is no package ant\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_conflict_is_told_in_short(shelf, cache):
    shelf.wheel("ant", needs=["cow<2"])
    shelf.wheel("bee", needs=["cow>=2"])
    shelf.wheel("cow", "1.0")
    shelf.wheel("cow", "2.0")
    shelf.source("ant", "0.9")  # which would be no way out, so not the reason either
    with pytest.raises(DependencyError, match="the requirements contradict each other\n") as caught:
        resolve(["ant", "bee"], IMAGE, cache)
    assert "depends on cow<2" in str(caught.value)
    assert "unsatisfiable" not in str(caught.value)


def test_an_index_that_does_not_answer(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://someone:hush@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(DependencyError, match="the package index does not answer") as caught:
        resolve(["ant"], IMAGE, cache)
    assert "hush" not in str(caught.value)


def test_a_failure_is_not_remembered(shelf, cache):
    with pytest.raises(DependencyError):
        resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant")
    assert resolve(["ant"], IMAGE, cache).requirements == ("ant==1.0",)


def test_a_cache_that_cannot_be_used(shelf, tmp_path):
    shelf.wheel("ant")
    lock = resolve(["ant"], IMAGE, Cache(tmp_path / "cache"))
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="FAIRING_KFP_CACHE"):
        unpack(lock, Cache(tmp_path / "file"))


# --- unpack


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
    shelf.wheel("cow", files={"shared.py": "cow"})
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
    for name in ("ant", "bee"):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "RECORD").write_text(f"z.py,sha256={name},1\n{info.name}/RECORD,,\nlost.py,,\n")
    (tmp_path / "z.py").write_text("two")
    wheels.normalise(tmp_path)
    for name in ("ant", "bee"):
        record = tmp_path / f"{name}-1.0.dist-info" / "RECORD"
        assert record.read_text() == f"{name}-1.0.dist-info/RECORD,,\nz.py,{hashed(b'two')},3\n"


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
        assert (root / "ant.py").exists()
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
