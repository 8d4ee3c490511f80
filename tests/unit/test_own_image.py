from __future__ import annotations

import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.own_image import package_files, publish

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = Path(fairing_kfp.__file__).parent
_LOCK = _PACKAGE / "own_image.lock"
_VERTEX_LOCK = _PACKAGE / "own_image_vertex.lock"
_PROJECT = tomllib.loads((_PACKAGE.parent / "pyproject.toml").read_text())
_NEEDED = [Requirement(text) for text in _PROJECT["dependency-groups"]["cluster"]]
_OF_VERTEX = [Requirement(text) for text in _PROJECT["dependency-groups"]["vertex"]]


def test_files_are_the_same_wherever_the_package_lies(tmp_path: Path) -> None:
    elsewhere = tmp_path / "site-packages" / "fairing_kfp"
    shutil.copytree(_PACKAGE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__pycache__/cli.cpython-311.pyc", ".DS_Store", ".cache/lock", "cli/run.py~", "build/cache.pyc"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes(b"not ours")

    assert package_files(elsewhere) == package_files()


def test_files_hold_all_that_the_package_needs(tmp_path: Path) -> None:
    files = package_files()
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    assert {"fairing_kfp/own_image.lock", "fairing_kfp/runtime/child/sitecustomize.py"} < set(files)
    (found,) = metadata.distributions(name="fairing-kfp", path=[str(tmp_path)])
    assert found.version == metadata.version("fairing-kfp")


@pytest.mark.parametrize("lock", [_LOCK, _VERTEX_LOCK], ids=lambda one: one.name)
def test_lock_names_no_place_and_pins_every_file(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    for pin in re.split(r"\n(?=\S)", text.rstrip()):
        assert re.fullmatch(r"[a-z0-9-]+==\S+(?: ; [^\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+", pin), pin


@pytest.mark.parametrize("needed", _NEEDED, ids=lambda one: one.name)
def test_lock_holds_what_the_project_asks_for(needed: Requirement) -> None:
    versions = re.findall(rf"^{canonicalize_name(needed.name)}==(\S+)", _LOCK.read_text(), re.MULTILINE)

    assert versions, "run make lock"
    assert all(needed.specifier.contains(version) for version in versions), "run make lock"


@pytest.mark.parametrize("needed", [*_NEEDED, *_OF_VERTEX], ids=lambda one: one.name)
def test_lock_of_vertex_holds_what_the_project_asks_for(needed: Requirement) -> None:
    versions = re.findall(rf"^{canonicalize_name(needed.name)}==(\S+)", _VERTEX_LOCK.read_text(), re.MULTILINE)

    assert versions, "run make lock"
    assert all(needed.specifier.contains(version) for version in versions), "run make lock"


def test_locks_agree_so_that_images_share_layers() -> None:
    def pins(lock: Path) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            found.setdefault(name, set()).add(version)
        return found

    ours, of_vertex = pins(_LOCK), pins(_VERTEX_LOCK)
    assert {name: versions for name, versions in ours.items() if versions != of_vertex.get(name)} == {}


def test_the_extra_asks_for_googles_packages_in_the_same_words() -> None:
    extra = [Requirement(text) for text in _PROJECT["project"]["optional-dependencies"]["vertex"]]

    assert [one for one in extra if one not in _OF_VERTEX] == []


def test_what_is_needed_here_too_is_asked_for_in_the_same_words() -> None:
    here = {Requirement(text).name: Requirement(text) for text in _PROJECT["project"]["dependencies"]}

    assert [one for one in _NEEDED if one.name in here and one != here[one.name]] == []


def test_without_a_registry_nothing_is_fetched(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    with pytest.raises(ConfigError, match="no registry is known"):
        publish(tmp_path / "out", cache=cache)
    assert not (tmp_path / "out" / "image.txt").exists()


def test_a_place_that_is_no_folder_is_refused_before_anything_is_fetched(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(ConfigError, match="cannot be a folder"):
        publish(tmp_path / "out", cache=cache, registry="registry.invalid/me")
