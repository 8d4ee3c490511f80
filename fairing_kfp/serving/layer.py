"""The layers that a predictor has besides those of a step: starlette and uvicorn, and upon them our own server."""

from __future__ import annotations

from functools import cache as once
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.image.layer import Compression, File, Layer
from fairing_kfp.preprocess.lock import Lock, Target
from fairing_kfp.preprocess.places import SERVER

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache

_HERE = Path(__file__).parent
_LOCK = "server.lock"
PACKAGES = f"{SERVER}/packages"
"""Where the server's packages lie; nothing but the server finds them."""


@once
def server_files() -> tuple[File, ...]:
    """The files of our own server, placed in the image; they depend on the version of fairing-kfp alone."""
    files = {"serve.py": (_HERE / "start" / "serve.py").read_bytes()}
    files["release"] = metadata.version("fairing-kfp").encode()
    for folder, place in (("server", "own/fairing_server"), ("start", "fairing_start")):
        for path in (_HERE / folder).glob("*.py"):
            if path.name != "serve.py":
                files[f"{place}/{path.name}"] = path.read_bytes()
    return tuple(File(f"{SERVER}/{place}", files[place]) for place in sorted(files))


def server_lock(target: Target) -> Lock:
    """The server's packages for an image, or for this machine."""
    return Lock.of_requirements_file(target, (_HERE / _LOCK).read_text(encoding="utf-8"))


def server_layers(target: Target, cache: Cache, compression: Compression) -> tuple[Layer, ...]:
    """The layers of a predictor's server, the lowest first; the first use fetches its packages.

    Raises:
        DependencyError: the packages cannot be fetched.
        CacheError: the cache cannot be written.
    """
    from fairing_kfp.preprocess.trees import unpack

    lock = server_lock(target)
    key = f"{PACKAGES} {lock.digest}"
    packages = Layer.of_tree("server packages", lambda: unpack(lock, cache), PACKAGES, cache, key, compression)
    return packages, Layer.of_files("server", server_files())
