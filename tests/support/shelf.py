"""A folder of generated wheels that uv uses instead of a package index."""

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from fairing_kfp.dependencies import uv
from tests.support.paths import TOP


class Shelf:
    """A folder of wheels."""

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


def run_elsewhere(program: str, arguments: list[str], home: Path, seed: str, **variables: str) -> str:
    """Runs a program with an empty home folder, and returns its output.

    Args:
        program: Python code.
        arguments: its arguments.
        home: the home folder; created.
        seed: Python's hash seed.
        variables: further environment variables.
    """
    home.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": str(TOP),
        "UV_CONFIG_FILE": os.environ["UV_CONFIG_FILE"],
        **variables,
    }
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, check=True, cwd=home, env=environment, capture_output=True, text=True)
    return done.stdout


@pytest.fixture(scope="session")
def known_pythons(tmp_path_factory):
    """The part of uv's cache with what it knows of this Python, which it starts to ask if a cache is empty."""
    folder = tmp_path_factory.mktemp("known-pythons")
    command = [find_uv_bin(), "pip", "list", "--python", sys.executable, "--target", str(folder / "empty")]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "UV_CACHE_DIR": str(folder / "uv")})
    (known,) = (folder / "uv").glob("interpreter-*")
    return known


@pytest.fixture
def shelf(tmp_path, monkeypatch, known_pythons):
    shelf = Shelf(tmp_path / "shelf")
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / known_pythons.name).symlink_to(known_pythons)
    settings = tmp_path / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = ['{shelf.folder}']\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return shelf


@pytest.fixture
def no_uv(monkeypatch):
    """Fails the test if uv is called."""

    def forbid():
        def run(*arguments):
            raise AssertionError("uv was started")

        monkeypatch.setattr(uv, "run", run)

    return forbid
