"""The layer of fairing-kfp itself in our own image."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import fairing_kfp
from fairing_kfp.recipe.package_layer import package_files

_PACKAGE = Path(fairing_kfp.__file__).parent


def test_files_do_not_depend_on_the_location(tmp_path: Path) -> None:
    elsewhere = tmp_path / "site-packages" / "fairing_kfp"
    shutil.copytree(_PACKAGE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__pycache__/cli.cpython-311.pyc", ".DS_Store", ".cache/lock", "cli/run.py~", "build/cache.pyc"):
        (elsewhere / name).parent.mkdir(exist_ok=True)
        (elsewhere / name).write_bytes(b"not ours")

    assert package_files(elsewhere) == package_files()


def test_files_are_a_complete_package(tmp_path: Path) -> None:
    files = package_files()
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)

    assert {"fairing_kfp/recipe/own_image.lock", "fairing_kfp/runtime/child/sitecustomize.py"} < set(files)
    (found,) = metadata.distributions(name="fairing-kfp", path=[str(tmp_path)])
    assert found.version == metadata.version("fairing-kfp")
