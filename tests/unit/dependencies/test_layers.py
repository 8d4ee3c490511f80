"""Layers of packages, from hand-made wheels of which some count as large."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies import bytecode, uv
from fairing_kfp.dependencies import layers as dependency_layers
from fairing_kfp.dependencies.layers import dependency_layers as layers_of
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from tests.support.shelf import run_elsewhere

IMAGE = Target.for_image(sys.version_info[:2])  # byte code is compiled for it
PAD = "#" * 3000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Lets wheels of a few kilobytes count as large."""
    monkeypatch.setattr(dependency_layers, "MIN_OWN_SIZE", 3000)
    monkeypatch.setattr(dependency_layers, "MAX_OWN_LAYERS", 3)


@pytest.fixture
def made(shelf, cache):
    def make(*names, within=cache):
        return layers_of(resolve(names, IMAGE, within), within, "gzip")

    return make


def unpacked(layers, folder: Path) -> dict:
    """The files that a step sees."""
    for layer in layers:
        with layer.open() as blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    return content(folder / DEPENDENCIES)


def content(root: Path) -> dict:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_large_packages_have_layers_and_the_largest_is_lowest(shelf, made):
    shelf.wheel("ant", files={"ant/big.txt": PAD})
    shelf.wheel("bee", files={"bee/big.txt": PAD * 2})
    shelf.wheel("cow")
    shelf.wheel("dog")
    found = made("ant", "bee", "cow", "dog")
    assert [layer.name for layer in found] == ["bee==1.0", "ant==1.0", "dependencies"]
    assert list(found.values()) == [("bee==1.0",), ("ant==1.0",), ("cow==1.0", "dog==1.0")]


def test_number_of_layers_is_limited(shelf, made):
    names = [f"p{number}" for number in range(6)]
    for number, name in enumerate(names):
        shelf.wheel(name, files={f"{name}.txt": PAD + "#" * number})
    found = made(*names)
    assert [layer.name for layer in found] == ["p5==1.0", "p4==1.0", "p3==1.0", "dependencies"]


def test_a_changed_package_changes_one_layer(shelf, made, cache):
    shelf.wheel("ant", files={"ant/big.txt": PAD})
    shelf.wheel("bee", files={"bee/big.txt": PAD * 2})
    shelf.wheel("cow")
    before = list(made("ant", "bee", "cow"))
    shelf.wheel("ant", "1.1", files={"ant/big.txt": PAD})
    shelf.wheel("cow", "1.1")
    assert [old == new for old, new in zip(before, made("ant>1", "bee", "cow==1.0"), strict=True)] == [
        True,
        False,
        True,
    ]
    assert [old == new for old, new in zip(before, made("ant==1", "bee", "cow>1"), strict=True)] == [True, True, False]


def test_only_new_packages_are_installed(shelf, made, monkeypatch):
    shelf.wheel("ant")
    shelf.wheel("bee")
    made("ant")
    run_pip, installed = uv.run_pip, []

    def noted(command, arguments, requirements, *more):
        installed.extend([requirements.split("==")[0]] if command == "install" else [])
        return run_pip(command, arguments, requirements, *more)

    monkeypatch.setattr(uv, "run_pip", noted)
    made("ant", "bee")
    assert installed == ["bee"]


def test_cached_layers_need_no_unpacked_wheels(shelf, cache, no_uv):
    shelf.wheel("ant", files={"ant/big.txt": PAD})
    shelf.wheel("bee")
    lock = resolve(["ant", "bee"], IMAGE, cache)
    found = layers_of(lock, cache, "gzip")
    (cache.root / "trees").rename(cache.root / "gone")
    no_uv()
    assert layers_of(lock, cache, "gzip") == found


NO_CODE = "def known(value):\n    return value in {None, 'a'}\n"  # no byte code below Python 3.12
CONTESTED = [
    {"ant": {"x.py": "a = 1", "big": PAD}, "bee": {"x.py": "b = 1"}, "cow": {"x.py": "c = 1", "huge": PAD * 2}},
    {"ant": {"x.py": "a = 1", "big": PAD}, "bee": {"x.py": "b = 1", "big2": PAD * 3}, "cow": {}},
    {"ant": {"x.py": "b = 1", "big": PAD * 3}, "bee": {"x.py": "b = 1", "big2": PAD}, "cow": {}},
    {"ant": {"x.py": "a = 1", "big": PAD}, "bee": {"x.py": NO_CODE, "big2": PAD * 3}, "cow": {}},
    {"ant": {"x.py": "a = 1", "big": PAD}, "bee": {"x.py": NO_CODE}, "cow": {}},
    {"ant": {"x.py": NO_CODE}, "bee": {"x.py": "b = 1", "big": PAD}, "cow": {"x.py": "# {{"}},
    {"ant": {"n/__init__.py": "", "big": PAD}, "bee": {"n/__init__.py": "", "n/b": PAD}, "cow": {"n/c.py": ""}},
]


@pytest.mark.parametrize("wheels", CONTESTED)
def test_layers_result_in_the_same_files_as_one_folder(wheels, shelf, made, cache, tmp_path):
    for name, files in wheels.items():
        shelf.wheel(name, files={f"{name}.py": "", **files})
    found = unpacked(made(*wheels), tmp_path / "image")
    lock = resolve(list(wheels), IMAGE, cache)
    assert found == content(unpack(lock, cache))
    last = {path: text for name in sorted(wheels) for path, text in wheels[name].items()}
    assert {path: found[path].decode() for path in last} == last


def test_byte_code_belongs_to_its_source(shelf, made, tmp_path):
    shelf.wheel("ant", files={"x.py": "name = 'ant'", "big": PAD})
    shelf.wheel("bee", files={"x.py": "name = 'bee'\n" + NO_CODE, "huge": PAD * 2})
    unpacked(made("ant", "bee"), tmp_path)
    code = "import x; print(x.name)"
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code], cwd=tmp_path / DEPENDENCIES, capture_output=True, text=True
    )
    assert done.stdout == "bee\n", done.stderr


def test_equal_files_of_two_packages_are_not_repeated(shelf, made):
    shelf.wheel("ant", files={"n/__init__.py": "", "big": PAD})
    shelf.wheel("bee", files={"n/__init__.py": "", "huge": PAD * 2})
    assert [layer.name for layer in made("ant", "bee")] == ["bee==1.0", "ant==1.0"]


def test_a_file_that_is_a_folder_in_another_package(shelf, made):
    shelf.wheel("ant", files={"nest": "a file"})
    shelf.wheel("bee", files={"nest/deep/queen.py": ""})
    for name in ("ant", "bee"):  # each alone, since uv reports the conflict if it installs both
        made(name)
    with pytest.raises(DependencyError, match="ant has a file nest, which is a folder in bee"):
        made("ant", "bee")


PROGRAM = """
import os, sys
from pathlib import Path
from fairing_kfp.dependencies import layers as dependency_layers
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.resolve import resolve
os.umask(int(sys.argv[2], 8))
os.cpu_count = lambda: int(sys.argv[3])
dependency_layers.MIN_OWN_SIZE = 3000
cache = Cache(Path(sys.argv[1]))
target = Target.for_image(sys.version_info[:2])
for names in (sys.argv[5:], sys.argv[4].split()):  # some may be cached
    layers = dependency_layers.dependency_layers(resolve(names, target, cache), cache, "gzip")
for layer in layers:
    print(layer.name, layer.digest, layer.diff_id)
"""
_SETS = "KINDS = {'a', 'b', 'c', 'dd'}\ndef known(word):\n    return word in {'one', 'two', 'three', 'four'}\n"


def test_layers_are_reproducible(shelf, tmp_path):
    for number, name in enumerate(("ant", "bee", "cow", "dog")):
        files = {f"{name}/m{one}.py": f"{_SETS}# {one}\n{PAD * (number % 2)}" for one in range(12)}
        shelf.wheel(
            name, files={"shared.py": f"{name} = 1", **files}, entry_points=f"[console_scripts]\nrun = {name}:r\n"
        )
    found = []
    for seed, umask, workers, first in [("1", "022", "1", []), ("2", "077", "5", ["dog", "ant"])]:
        names = ["ant bee cow dog", "dog cow bee ant"][int(seed) % 2]
        arguments = ["the cache", umask, workers, names, *first]
        found.append(run_elsewhere(PROGRAM, arguments, tmp_path / f"home of {seed}", seed))
    assert found[0].count("\n") == 3
    assert set(found) == {found[0]}


def test_one_process_per_file_gives_the_same_byte_code(tmp_path, monkeypatch):
    trees = [tmp_path / "together", tmp_path / "alone"]
    names = [f"m{number}.py" for number in range(8)]
    for tree in trees:
        tree.mkdir()
        for number, name in enumerate(names):
            (tree / name).write_text(f"{_SETS}shared = ('one', 'm{number}', {number * 1000}, 'one')\n")
    bytecode.compile_trees([trees[0]], "opt/x")
    for name in names:
        part = tmp_path / "part"
        part.mkdir()
        (trees[1] / name).rename(part / name)
        bytecode.compile_trees([part], "opt/x")
        part.rename(tmp_path / f"of {name}")
    alone = {path.name: path.read_bytes() for path in tmp_path.glob("of */__pycache__/*")}
    assert len(alone) == len(names)
    assert {path.name: path.read_bytes() for path in trees[0].glob("__pycache__/*")} == alone


def test_a_missing_layer_is_packed_again(shelf, cache):
    shelf.wheel("ant", files={"ant/big.txt": PAD})
    shelf.wheel("bee")
    shelf.wheel("cow")
    found = layers_of(resolve(["ant", "bee", "cow"], IMAGE, cache), cache, "gzip")
    before = [layer.open().read() for layer in found]
    for folder in ("blobs", "trees"):
        (cache.root / folder).rename(cache.root / f"gone {folder}")
    assert [layer.open().read() for layer in found] == before


def test_two_caches_give_the_same_layers(shelf, made, tmp_path):
    shelf.wheel("ant", files={"ant/big.txt": PAD})
    shelf.wheel("bee")
    assert made("ant", "bee", within=Cache(tmp_path / "other")) == made("ant", "bee")
