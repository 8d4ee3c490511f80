"""The server layers of a predictor: packages such as uvicorn and httptools, and our own server."""

from __future__ import annotations

from functools import cache as cached
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.target import Target
from fairing_kfp.image.layer import Compression, File, Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.preprocess.image_paths import SERVER
from fairing_kfp.recipe.byte_code import byte_code
from fairing_kfp.recipe.license_texts import license_texts
from fairing_kfp.recipe.packing_format import PACKING_FORMAT

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache

_SERVING = Path(__file__).parent.parent / "serving"
_LOCK = "server.lock"
PACKAGES = f"{SERVER}/packages"
"""The folder of the server's packages, which is on the server's import path only."""


@cached
def server_files() -> tuple[File, ...]:
    """The files of our own server without byte code, at their paths in the image; they depend on the packing format."""
    files = {"serve.py": (_SERVING / "start" / "serve.py").read_bytes()}
    files["release"] = f"packing format {PACKING_FORMAT}".encode()
    files.update(license_texts("fairing-kfp"))
    for folder, place in (("server", "own/fairing_server"), ("start", "fairing_start")):
        for path in (_SERVING / folder).glob("*.py"):
            if path.name != "serve.py":
                files[f"{place}/{path.name}"] = path.read_bytes()
    return tuple(File(f"{SERVER}/{place}", files[place]) for place in sorted(files))


def server_lock(target: Target) -> Lock:
    """The lock of the server's packages for an image or for this machine."""
    return Lock.from_requirements_file(target, Path(__file__).with_name(_LOCK).read_text(encoding="utf-8"))


def server_layers(target: Target, cache: Cache, compression: Compression) -> tuple[Layer, ...]:
    """The layers of a predictor's server, lowest first; the first use fetches its packages.

    Raises:
        DependencyError: the packages cannot be fetched.
        CacheError: the cache cannot be written.
    """
    from fairing_kfp.dependencies.verified import kept, unpack_verified

    lock = server_lock(target)
    key, root = f"{PACKAGES} {lock.digest}", kept(lambda: unpack_verified(lock, cache))
    packages = layer_of_tree("server packages", root, PACKAGES, cache, key, compression)
    files = server_files()
    return packages, layer_of_files("server", (*files, *byte_code(files, "server")))
