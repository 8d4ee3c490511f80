"""`resolve_dependencies`: what its layers contain, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.package_layers import PackageLayers
from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.resolve_dependencies import RESOLVE_DEPENDENCIES
from fairing_kfp.errors import ConfigError, DependencyError, FairingError
from fairing_kfp.image.platform import Platform
from tests.support.bundles import step_input
from tests.support.shelf import Shelf


@pytest.fixture(autouse=True)
def packages(shelf: Shelf) -> Shelf:
    shelf.wheel("gauge", "1.0")
    shelf.wheel("gauge", "2.0", needs=["unit"])
    shelf.wheel("unit", "1.5")
    return shelf


def _resolve(root: Path, source: Path | None = None, **values: Any) -> PackageLayers:
    run_step(RESOLVE_DEPENDENCIES, step_input(RESOLVE_DEPENDENCIES, root, values, source=source), lambda line: None)
    return PackageLayers.read(root / "layers")


def test_a_text_gives_layers_and_a_lock_that_gives_them_again(tmp_path: Path, packages: Shelf) -> None:
    made = _resolve(tmp_path / "1", requirements="gauge>=1  # newest\n", python="3.12", platform="linux/arm64")

    assert made.lock.requirements == ("gauge==2.0", "unit==1.5")
    assert str(made.lock.target) == "Python 3.12 on linux/arm64 (manylinux_2_28)"
    (layer,) = made.layers
    with layer.open() as file, tarfile.open(fileobj=file) as archive:
        assert "opt/fairing/dependencies/gauge.py" in archive.getnames()
    listed = json.loads((tmp_path / "1" / "output.json").read_text())
    metadata = listed["artifacts"]["layers"]["artifacts"][0]["metadata"]
    assert metadata == {"digest": made.digest, "packages": ["gauge==2.0", "unit==1.5"]}
    assert "2 packages are resolved" in (tmp_path / "1" / "report").read_text()

    packages.wheel("gauge", "3.0")
    packages.wheel("unit", "1.6")
    again = _resolve(tmp_path / "2", tmp_path / "1" / "lock", python="3.12", platform="linux/arm64")
    assert again.digest == made.digest


@pytest.mark.parametrize(
    ("file", "text", "extras", "pins"),
    [
        ("requirements.txt", "gauge<2\n-c limits.txt\n", [], ("gauge==1.0",)),
        ("pyproject.toml", '[project]\nname = "lab"\ndependencies = ["unit"]\n', [], ("unit==1.5",)),
        (
            "pyproject.toml",
            '[project]\nname = "lab"\ndependencies = ["unit"]\noptional-dependencies.fit = ["gauge"]\n',
            ["fit"],
            ("gauge==2.0", "unit==1.5"),
        ),
    ],
    ids=["requirements", "project", "extras"],
)
def test_files_of_the_source(tmp_path: Path, file: str, text: str, extras: list[str], pins: tuple[str, ...]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / file).write_text(text)
    (source / "limits.txt").write_text("gauge!=2.0\n")

    assert _resolve(tmp_path / "out", source, file=file, extras=extras).lock.requirements == pins


def test_provided_packages_are_not_added(tmp_path: Path) -> None:
    made = _resolve(tmp_path / "out", requirements="gauge", provided=["unit"])

    assert made.lock.requirements == ("gauge==2.0",)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({}, ConfigError, "exactly one of requirements and source"),
        ({"requirements": "# nothing\n"}, DependencyError, "there are no requirements"),
        ({"requirements": "gauge==9"}, DependencyError, "gauge"),
        (
            {"requirements": f"gauge==2.0 --hash=sha256:{'0' * 64}\nunit==1.5 --hash=sha256:{'0' * 64}"},
            DependencyError,
            "no compatible file of gauge==2.0 has one of the listed hashes",
        ),
        ({"requirements": "git+https://example.com/lab"}, DependencyError, "a version control URL"),
        ({"requirements": "gauge", "python": "3.12.1"}, ConfigError, "python='3.12.1' is not a minor version"),
        ({"requirements": "gauge", "platform": "linux/s390x"}, DependencyError, "cannot be locked for the platform"),
        ({"requirements": "gauge", "libc": "glibc"}, ConfigError, "libc='glibc' is not a C library"),
        ({"requirements": "gauge", "extras": ["a"]}, ConfigError, "extras and groups are those of a project"),
        (
            {"source": True, "file": "absent.txt"},
            ConfigError,
            r"no file absent\.txt .*\n.*requirements\.txt",
        ),
        ({"source": True, "file": "../x.txt"}, ConfigError, r"no file \.\./x\.txt in the source"),
    ],
)
def test_wrong_inputs_are_refused(
    tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "requirements.txt").write_text("gauge\n")
    (tmp_path / "x.txt").write_text("gauge\n")

    with pytest.raises(error, match=message):
        _resolve(tmp_path / "out", source if values.pop("source", False) else None, **values)

    assert not (tmp_path / "out").exists()


def test_layers_fit_one_python_and_platform(tmp_path: Path) -> None:
    made = _resolve(tmp_path / "out", requirements="unit", python="3.12")
    arm = Platform("linux", "arm64")

    made.check_fits("base", Platform("linux", "amd64"), (3, 12))
    made.check_fits("base", Platform("linux", "amd64"), None)
    for platform, python in ((arm, (3, 12)), (Platform("linux", "amd64"), (3, 13))):
        with pytest.raises(DependencyError, match=r"the layers are for Python 3\.12 on linux/amd64"):
            made.check_fits("base", platform, python)


def test_changed_layers_are_refused(tmp_path: Path) -> None:
    made = _resolve(tmp_path / "out", requirements="unit")
    folder = tmp_path / "out" / "layers"
    document = json.loads((folder / "layers.json").read_text())

    (folder / "layers.json").write_text(json.dumps({**document, "lock": ""}))
    with pytest.raises(DependencyError, match=r"layers\.json of the layers .* does not have the digest"):
        PackageLayers.read(folder)

    (layer,) = made.layers
    blob = folder / "blobs" / layer.digest.partition(":")[2]
    assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    blob.write_bytes(b"changed")
    with pytest.raises(DependencyError, match="does not have the digest"):
        PackageLayers.read(folder)

    with pytest.raises(DependencyError, match="contains no layers of packages"):
        PackageLayers.read(tmp_path)
