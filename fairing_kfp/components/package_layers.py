"""Artifacts of packages: a folder with layers of an image, and `layers.json`, which lists them with their digests.

    layers.json
    blobs/4f5c…

Equal locks give equal layers, made by the same release.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.layers import dependency_layers
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import is_digest

DESCRIPTION = "layers.json"

INDEX = (
    "The settings of uv name the index: set `UV_DEFAULT_INDEX` or `UV_INDEX` from a Secret, as in the example "
    "pipeline of `resolve_dependencies`, or mount a Secret with a `uv.toml` that `UV_CONFIG_FILE` names and a file "
    "that `NETRC` names. Neither layers nor locks contain the address."
)
"""Part of the details of components that resolve packages."""

MOUNT_INDEX = """\
    kubernetes.use_secret_as_env({task}, "package-index", {{"url": "UV_DEFAULT_INDEX"}}, optional=True)
"""
"""A line of an example that takes the index from a Secret."""

_BLOBS = "blobs"


@dataclass(frozen=True)
class PackageLayers:
    """The layers of locked packages.

    Attributes:
        lock: the packages.
        layers: the layers, lowest first, with the packages in each, as `name==version`.
    """

    lock: Lock
    layers: Mapping[Layer, tuple[str, ...]]

    @classmethod
    def make(cls, lock: Lock, cache: Cache) -> PackageLayers:
        """Fetches the packages, and makes their layers.

        Raises:
            DependencyError: wheels cannot be fetched, differ from the lock or conflict, or the disk is full.
        """
        return cls(lock, dependency_layers(lock, cache, "gzip") if lock.pins else {})

    @property
    def digest(self) -> str:
        """The digest of everything in it."""
        return f"sha256:{hashlib.sha256(_dump(self._described()).encode()).hexdigest()}"

    @property
    def size(self) -> int:
        """The size of the layers, in bytes."""
        return sum(layer.size for layer in self.layers)

    def check_fits(self, base: str, platform: Platform, python: tuple[int, int] | None) -> None:
        """Checks that the packages fit a base image.

        Args:
            base: the base image, for messages.
            platform: its platform.
            python: its Python; None if it is unknown.

        Raises:
            DependencyError: the packages are for another platform or Python.
        """
        target = self.lock.target
        shown = f"Python {python[0]}.{python[1]} on {platform}" if python else f"an unknown Python on {platform}"
        if target.platform != str(platform) or (python and target.python != python):
            raise DependencyError(
                f"the layers are for {target}, but the base image {base} has {shown}",
                "resolve the packages for this base: base_image= of resolve-dependencies",
            )

    def write(self, folder: Path) -> None:
        """Writes the artifact.

        Args:
            folder: the artifact's folder, which need not exist.
        """
        (folder / _BLOBS).mkdir(parents=True, exist_ok=True)
        for layer in self.layers:
            with layer.open() as source, _blob(folder, layer.digest).open("wb") as target:
                shutil.copyfileobj(source, target)
        text = _dump({**self._described(), "digest": self.digest})
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> PackageLayers:
        """Reads an artifact, and verifies its digests.

        Raises:
            DependencyError: it has no layers, or its content does not match its digests.
        """
        try:
            document = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            major, minor = map(int, document["python"].split("."))
            target = Target.for_image((major, minor), document["platform"], document["libc"])
            layers = {_layer(folder, entry): tuple(entry["packages"]) for entry in document["layers"]}
            read, expected = cls(Lock(target, document["lock"]), layers), document["digest"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DependencyError(
                f"the artifact in {folder} contains no layers of packages: {error}",
                "pass the output layers of resolve-dependencies",
            ) from error
        if read.digest != expected:
            raise _changed(folder, DESCRIPTION)
        return read

    def _described(self) -> dict[str, Any]:
        target = self.lock.target
        return {
            "python": ".".join(map(str, target.python)),
            "platform": target.platform,
            "libc": target.libc,
            "lock": self.lock.text,
            "layers": [
                {
                    "name": layer.name,
                    "digest": layer.digest,
                    "diff_id": layer.diff_id,
                    "size": layer.size,
                    "packages": list(packages),
                }
                for layer, packages in self.layers.items()
            ],
        }


def _layer(folder: Path, entry: Mapping[str, Any]) -> Layer:
    if not is_digest(entry["digest"]) or not is_digest(entry["diff_id"]):
        raise ValueError(f"{entry['digest']} is not a digest")
    path = _blob(folder, entry["digest"])
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if f"sha256:{digest.hexdigest()}" != entry["digest"]:
        raise _changed(folder, f"{_BLOBS}/{path.name}")

    def opened() -> BinaryIO:
        return path.open("rb")

    return Layer(entry["name"], entry["diff_id"], entry["digest"], int(entry["size"]), opened)


def _blob(folder: Path, digest: str) -> Path:
    return folder / _BLOBS / digest.partition(":")[2]


def _changed(folder: Path, name: str) -> DependencyError:
    return DependencyError(
        f"the file {name} of the layers in {folder} does not have the digest in {DESCRIPTION}",
        "run the step that made them again; they were changed since",
    )


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
