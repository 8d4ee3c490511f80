"""The packing format: its description, and the releases whose files it contains."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from fairing_kfp.dependencies import uv
from fairing_kfp.errors import DependencyError
from fairing_kfp.recipe import packing_format
from fairing_kfp.recipe.packing_format import PACKING_FORMAT, package_folder
from fairing_kfp.recipe.server_layer import server_files
from tests.support.paths import TOP
from tests.support.shelf import Shelf


def test_the_changelog_describes_the_format() -> None:
    text = (TOP / "CHANGELOG.md").read_text("utf-8")
    described = re.findall(r"^## Packing format (\d+)$", text, re.MULTILINE)
    assert described == [str(number) for number in range(PACKING_FORMAT, 0, -1)]


def test_no_release_of_ours_is_in_the_layers() -> None:
    (release,) = (file.data for file in server_files() if file.path.endswith("/release"))
    assert release == f"packing format {PACKING_FORMAT}".encode()


@pytest.fixture
def released(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A format with a cloudpickle that is not installed; returns the folder of its wheels."""
    shelf.wheel("cloudpickle", "2.99", files={"cloudpickle/__init__.py": "", "cloudpickle/cloudpickle.py": "# 2.99\n"})
    listed = uv.run_pip("compile", ("-", "--generate-hashes", "--no-header"), "cloudpickle==2.99", "this machine")
    (tmp_path / "runtime.lock").write_text(listed)
    monkeypatch.setattr(packing_format, "LOCK", tmp_path / "runtime.lock")
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(tmp_path / "cache"))  # in which no test has unpacked the wheel
    return shelf.folder


def test_another_installed_release_changes_nothing(released: Path) -> None:
    assert (package_folder("cloudpickle") / "cloudpickle.py").read_text() == "# 2.99\n"


def test_the_release_of_the_format_must_be_at_hand(released: Path) -> None:
    for wheel in released.iterdir():
        wheel.unlink()
    with pytest.raises(DependencyError, match="cloudpickle"):
        package_folder("cloudpickle")


@pytest.mark.parametrize("installed_as", ["bee-1.0.dist-info", "bee-1.0.egg-info", "bee-2.0.dist-info"])
def test_the_installed_release_is_known(
    installed_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_wheels: None
) -> None:
    for folder in ("bee", installed_as):
        (tmp_path / folder).mkdir()
    (tmp_path / "bee" / "__init__.py").touch()
    about = "METADATA" if installed_as.endswith("dist-info") else "PKG-INFO"
    (tmp_path / installed_as / about).write_text(f"Name: bee\nVersion: {installed_as[4:7]}\n")
    (tmp_path / "runtime.lock").write_text("ant==2.0 \\\n    --hash=sha256:00\nbee==1.0 \\\n    --hash=sha256:00\n")
    monkeypatch.setattr(packing_format, "LOCK", tmp_path / "runtime.lock")
    monkeypatch.syspath_prepend(tmp_path)

    if "1.0" in installed_as:
        assert package_folder("bee") == tmp_path / "bee"
    else:
        with pytest.raises(LookupError, match="no wheels"):
            package_folder("bee")


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise LookupError("no wheels")

    monkeypatch.setattr("fairing_kfp.dependencies.lock.Lock.from_requirements_file", refuse)


def test_the_metadata_of_an_installed_wheel_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reader takes 15 ms to import."""
    (tmp_path / "bee-1.0.dist-info").mkdir()
    (tmp_path / "bee").mkdir()
    (tmp_path / "bee" / "__init__.py").touch()
    (tmp_path / "runtime.lock").write_text("bee==1.0\n")
    monkeypatch.setattr(packing_format, "LOCK", tmp_path / "runtime.lock")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "importlib.metadata", None)
    monkeypatch.delattr(importlib, "metadata", raising=False)

    assert package_folder("bee") == tmp_path / "bee"
