"""The folder that stands for an image's file system here: its runtime and code layers, unpacked, and its packages."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import CacheError
from fairing_kfp.image.layer import Layer
from fairing_kfp.preprocess.places import ROOT

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

_SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from Python 3.10.12 on


def root_digest(layers: Sequence[Layer], packages: str, env: Mapping[str, str]) -> str:
    """The digest that stands for a local image: its layers, its lock and its environment."""
    text = json.dumps([[layer.diff_id for layer in layers], packages, sorted(env.items()), sys.version])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def unpack_root(layers: Sequence[Layer], trees: Mapping[str, Path], digest: str, cache: Cache) -> Path:
    """Unpacks layers once; gives the folder that holds `runtime`, `code` and `dependencies`.

    Args:
        layers: the layers, the lowest first.
        trees: unpacked packages, by their places in the image.
        digest: what names the result in the cache.
        cache: where it is kept.
    """
    return cache.folder("roots", digest.partition(":")[2], lambda scratch: _filled(scratch, layers, trees)) / ROOT


def bare_python(cache: Cache) -> Path:
    """An interpreter like this one that has no packages: a virtual environment without pip, made once."""
    key = hashlib.sha256(f"{sys.version}{sys._base_executable}".encode()).hexdigest()[:16]  # type: ignore[attr-defined]
    place = cache.use("python", key)
    python = place / "bin" / "python"
    if not python.exists():  # a virtual environment holds its own path, so that it is made where it stays
        shutil.rmtree(place, ignore_errors=True)
        command = [sys.executable, "-m", "venv", "--without-pip", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CacheError(
                f"no bare Python could be made in {place}: {(done.stderr or done.stdout).strip()}",
                "install Python's venv module (Debian: python3-venv), or use --runner docker",
            )
    return python


def _filled(scratch: Path, layers: Sequence[Layer], trees: Mapping[str, Path]) -> Path:
    folder = scratch / "root"
    folder.mkdir()
    for layer in layers:
        with layer.open() as blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
            archive.extractall(folder, **_SAFELY)  # noqa: S202 - a layer of our own making
    for place, tree in trees.items():
        (folder / place).symlink_to(tree)
    return folder
