"""Helpers to read `packages=` in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairing_kfp.dependencies.formats import read_requirements
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.preprocess.bundle import Bundle


def read_packages(folder: Path, packages: Any, **options: Any) -> Requirements:
    """The requirements of a component whose file is in a folder."""
    return read_requirements(packages, Bundle("step", ()), folder, **options)


def write_files(folder: Path, **files: str) -> None:
    """Writes files; in their names `__` stands for `/`, `_TXT` and `_TOML` for suffixes."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_TXT", ".txt").replace("_TOML", ".toml")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
