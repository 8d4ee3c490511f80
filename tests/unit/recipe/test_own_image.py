"""Our own image: its locks, and errors before anything is fetched."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.recipe.own_image import publish_own_image

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = Path(fairing_kfp.__file__).parent
_LOCK = _PACKAGE / "recipe" / "own_image.lock"
_VERTEX_LOCK = _PACKAGE / "recipe" / "own_image_vertex.lock"
_PROJECT = tomllib.loads((_PACKAGE.parent / "pyproject.toml").read_text())
_NEEDED = [Requirement(text) for text in _PROJECT["dependency-groups"]["cluster"]]
_OF_VERTEX = [Requirement(text) for text in _PROJECT["dependency-groups"]["vertex"]]


@pytest.mark.parametrize("lock", [_LOCK, _VERTEX_LOCK], ids=lambda one: one.name)
def test_lock_has_no_url_and_all_hashes(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    for pin in re.split(r"\n(?=\S)", text.rstrip()):
        assert re.fullmatch(r"[a-z0-9-]+==\S+(?: ; [^\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+", pin), pin


@pytest.mark.parametrize("needed", _NEEDED, ids=lambda one: one.name)
def test_lock_satisfies_the_project(needed: Requirement) -> None:
    versions = re.findall(rf"^{canonicalize_name(needed.name)}==(\S+)", _LOCK.read_text(), re.MULTILINE)

    assert versions, "run make lock"
    assert all(needed.specifier.contains(version) for version in versions), "run make lock"


@pytest.mark.parametrize("needed", [*_NEEDED, *_OF_VERTEX], ids=lambda one: one.name)
def test_vertex_lock_satisfies_the_project(needed: Requirement) -> None:
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


def test_extra_has_the_requirements_of_the_group() -> None:
    extra = [Requirement(text) for text in _PROJECT["project"]["optional-dependencies"]["vertex"]]

    assert [one for one in extra if one not in _OF_VERTEX] == []


def test_group_has_the_requirements_of_the_project() -> None:
    here = {Requirement(text).name: Requirement(text) for text in _PROJECT["project"]["dependencies"]}

    assert [one for one in _NEEDED if one.name in here and one != here[one.name]] == []


def test_missing_registry_fails_before_packages_are_fetched(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    with pytest.raises(ConfigError, match="no registry is set"):
        publish_own_image(tmp_path / "out", cache=cache)
    assert not (tmp_path / "out" / "image.txt").exists()


def test_invalid_output_folder_fails_before_packages_are_fetched(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(ConfigError, match="cannot create the folder"):
        publish_own_image(tmp_path / "out", cache=cache, registry="registry.invalid/me")
