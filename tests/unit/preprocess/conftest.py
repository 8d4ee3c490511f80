"""A folder of hand-made wheels instead of a package index: uv itself works on it."""

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.preprocess import uv_command


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
