"""Layers of installed files, known from a record."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.image.layer import File, Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.recipe.layer_record import recorded_layer


class Installed:
    """Two files in a folder, and how often they were packed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.times = 0
        for name in ("a.py", "b.py"):
            self.write(name, name)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        os.utime(self.folder / name, ns=(0, len(text) + self.times))

    def layer(self) -> Layer:
        return recorded_layer("installed", str(self.folder), self._make, self._sources)

    def _make(self) -> Layer:
        self.times += 1
        return layer_of_files("installed", [File(one.name, one.read_bytes()) for one in self.folder.glob("*.py")])

    def _sources(self) -> list[Path]:
        return [self.folder, *self.folder.glob("*.py")]


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "installed")


def test_an_unchanged_layer_is_read_only_for_its_content(installed: Installed) -> None:
    first, second = installed.layer(), installed.layer()
    assert first == second
    assert installed.times == 1
    with first.open() as one, second.open() as other, second.open() as again:
        assert one.read() == other.read() == again.read()
    assert installed.times == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda installed: installed.write("a.py", "b.py"),
        lambda installed: installed.write("c.py", "c"),
        lambda installed: (installed.folder / "b.py").unlink(),
    ],
)
def test_a_changed_layer_is_made_again(installed: Installed, change: Callable[[Installed], object]) -> None:
    first = installed.layer()
    change(installed)
    second = installed.layer()
    assert installed.times == 2
    assert first.digest != second.digest
    assert installed.layer() == second
    assert installed.times == 2


def test_without_a_cache_it_is_made_each_time(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(tmp_path / "file"))
    assert installed.layer() == installed.layer()
    assert installed.times == 2
