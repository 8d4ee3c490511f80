"""The package layer of our own image: fairing-kfp itself, with byte code."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.dependencies.bytecode import compile_trees
from fairing_kfp.layers.tree_cache import layer_of_tree
from fairing_kfp.preprocess.image_paths import PACKAGE
from fairing_kfp.recipe.license_texts import license_texts

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.image.layer import Compression, Layer

NAME = "fairing-kfp"
"""Name of the distribution, of the layer and of our own image."""


def version() -> str:
    """The installed version of fairing-kfp."""
    return metadata.version(NAME)


def package_files(root: Path | None = None) -> dict[str, bytes]:
    """The files of this package, by path below an import path; equal for a wheel and a checkout.

    Args:
        root: the package's folder; by default, the imported package's.
    """
    root = root or Path(__file__).parent.parent
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in names:
            if not name.startswith(".") and not name.endswith((".pyc", ".pyo", "~")):
                path = Path(folder, name)
                files[f"{root.name}/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    # For `importlib.metadata`. The installed metadata would depend on the installer.
    described = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version()}\n"
    metadata_folder = f"fairing_kfp-{version()}.dist-info"
    files[f"{metadata_folder}/METADATA"] = described.encode()
    files.update({f"{metadata_folder}/{path}": text for path, text in license_texts(NAME).items()})
    return dict(sorted(files.items()))


def package_layer(files: Mapping[str, bytes], compression: Compression, cache: Cache) -> Layer:
    """The layer of this package, compiled here because the image's file system may be read-only.

    Args:
        files: the package's files, by path below an import path.
        compression: the layer's compression.
        cache: the cache of the compiled folder and of the layer.

    Raises:
        DependencyError: the files cannot be compiled.
        CacheError: the cache cannot be written.
    """
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    value = json.dumps([PACKAGE, sys.version_info[:2], digests], sort_keys=True)
    key = hashlib.sha256(value.encode()).hexdigest()

    def make(scratch: Path) -> Path:
        tree = scratch / "tree"
        for path, data in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
        compile_trees([tree], PACKAGE)
        return tree

    tree = cache.folder("trees", key, make)
    return layer_of_tree(NAME, tree, PACKAGE, cache, f"{PACKAGE} {key}", compression)
