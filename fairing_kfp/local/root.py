"""The root folder of an unpacked image: its runtime and code layers, and links to its packages."""

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
from fairing_kfp.preprocess.image_paths import ROOT

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

_EXTRACT_OPTIONS: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.10.12+


def root_digest(layers: Sequence[Layer], packages: str, env: Mapping[str, str]) -> str:
    """The digest of a local image: of its layers, its lock and its environment variables."""
    text = json.dumps([[layer.diff_id for layer in layers], packages, sorted(env.items()), sys.version])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def unpack_root(layers: Sequence[Layer], trees: Mapping[str, Path], digest: str, cache: Cache) -> Path:
    """Unpacks layers once, and returns the folder with `runtime`, `code` and `dependencies`.

    Args:
        layers: layers, the lowest first.
        trees: unpacked packages, by path in the image.
        digest: digest of the local image, its key in the cache.
        cache: cache on disk.
    """
    return cache.folder("roots", digest.partition(":")[2], lambda scratch: _unpack(scratch, layers, trees)) / ROOT


def bare_python(cache: Cache) -> Path:
    """The interpreter of a virtual environment without packages, created once from this interpreter.

    Raises:
        CacheError: the virtual environment cannot be created.
    """
    key = hashlib.sha256(f"{sys.version}{sys._base_executable}".encode()).hexdigest()[:16]  # type: ignore[attr-defined]
    folder = cache.use("python", key)
    python = folder / "bin" / "python"
    if not python.exists():  # it contains its own path, so it is not moved into place
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CacheError(
                f"cannot create a virtual environment in {folder}: {(done.stderr or done.stdout).strip()}",
                "install Python's venv module (Debian: python3-venv), or use --runner docker",
            )
    return python


def _unpack(scratch: Path, layers: Sequence[Layer], trees: Mapping[str, Path]) -> Path:
    folder = scratch / "root"
    folder.mkdir()
    for layer in layers:
        with layer.open() as blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
            archive.extractall(folder, **_EXTRACT_OPTIONS)  # noqa: S202 - a layer of our own making
    for path, tree in trees.items():
        (folder / path).symlink_to(tree)
    return folder
