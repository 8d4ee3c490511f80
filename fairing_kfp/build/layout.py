"""Images in a folder: an OCI image layout (image-spec, image-layout.md), which skopeo, crane and podman can push."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from fairing_kfp.build.bases import Bases
from fairing_kfp.build.builder import Plan, PlannedLayer, platforms_of, tag_of
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.once import Once
from fairing_kfp.build.progress import Progress, Transfer, followed, silent
from fairing_kfp.errors import ImageError
from fairing_kfp.image.assemble import Whole, assemble_whole
from fairing_kfp.image.descriptor import OCI_INDEX, Descriptor, digest_of, dump
from fairing_kfp.image.dockerfile import in_registry
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.multi_image import Recipe
from fairing_kfp.registry.auth import pull
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

_REF_NAME = "org.opencontainers.image.ref.name"
_WORKERS = 4
_CHUNK = 1 << 18


class LayoutBuilder:
    """Writes images into a folder, beside those that it holds already.

    Args:
        directory: the folder; made when first written to.
        cache: keeps base manifests.
        client: reaches the registries of base images.
        progress: is told of every layer that is written.
        tag: the images' tag, in which `{name}` and `{digest}` are filled in.
    """

    def __init__(
        self,
        directory: Path,
        *,
        cache: Cache,
        client: RegistryClient,
        progress: Progress = silent,
        tag: str | None = None,
    ) -> None:
        self._directory = directory
        self._client = client
        self._progress = progress
        self._tag = tag
        self._bases = Bases(cache)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="fairing-kfp-layout")
        self._written: Once[None] = Once()

    def check(self, image: Recipe) -> None:
        """Whether the base can bear the image; see `Builder`."""
        self._assembled(image)

    def plan(self, image: Recipe) -> Plan:
        """What `publish` would do; see `Builder`."""
        whole, source = self._assembled(image)
        platforms = platforms_of(whole)
        layers = tuple(
            PlannedLayer(
                layer.name,
                layer.digest,
                layer.size,
                "exists" if self._has(layer) else "write",
                platforms[layer.digest],
            )
            for layer, _ in _layers(whole, source)
        )
        tag = tag_of(image, whole.digest, self._tag)
        return Plan(
            reference=self._named(whole),
            tag=tag,
            base=str(whole.parts[0].base.reference),
            layers=layers,
            exists=_entry(whole.manifest, tag) in self._index()["manifests"],
            bytes_to_send=sum(layer.size for layer in layers if layer.state == "write"),
            requests=sum(layer.name == "base" and layer.state == "write" for layer in layers),
        )

    def publish(self, image: Recipe) -> str:
        """Writes an image, its name in the index last; see `Builder`."""
        whole, source = self._assembled(image)
        moves = [
            self._written.submit(self._pool, layer.digest, partial(self._fetch, layer, open_blob))
            for layer, open_blob in _layers(whole, source)
            if not self._has(layer)
        ]
        for move in moves:
            move.result()
        with self._writable():
            configs = [part.config for part in whole.parts]
            for data in (*configs, *(one.data for one in whole.indexed), whole.manifest.data):
                self._write(self._blob_path(digest_of(data)), io.BytesIO(data))
            self._enter(whole.manifest, tag_of(image, whole.digest, self._tag))
        return self._named(whole)

    def close(self) -> None:
        """Ends the builder's threads, when they have done what they were given."""
        self._pool.shutdown()

    def _assembled(self, image: Recipe) -> tuple[Whole, Repository]:
        base = in_registry(image.images[0])
        source = Repository(self._client, base.registry, base.repository, frozenset({pull(base.repository)}))
        # In OCI's media types, because those who read layouts (skopeo, for one) know no others.
        return assemble_whole(image, lambda part: self._bases.of(part, source).as_oci()), source

    def _named(self, whole: Whole) -> str:
        return f"oci:{self._directory}@{whole.digest}"

    def _fetch(self, layer: Transfer, open_blob: Callable[[], BinaryIO]) -> None:
        def unit() -> None:
            self._progress(layer)
            with followed(open_blob, layer, self._progress)() as file, self._writable():
                self._write(self._blob_path(layer.digest), file)

        self._client.retrying(unit)
        self._progress(replace(layer, done=layer.size, state="sent"))

    def _has(self, layer: Transfer) -> bool:
        path = self._blob_path(layer.digest)
        return path.is_file() and path.stat().st_size == layer.size

    def _blob_path(self, digest: str) -> Path:
        return self._directory / "blobs" / Path(*digest.split(":"))

    def _index(self) -> dict[str, Any]:
        path = self._directory / "index.json"
        try:
            index = json.loads(path.read_bytes())
            entries = index["manifests"]
            if isinstance(index, dict) and isinstance(entries, list) and all(isinstance(one, dict) for one in entries):
                return index
            cause = "it lists no manifests"
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        except (OSError, ValueError, LookupError, TypeError) as error:
            cause = str(error)
        raise ImageError(f"{path} is not the index of an image layout: {cause}", "name another folder")

    def _enter(self, manifest: Manifest, tag: str) -> None:
        """Names an image in the index; an image that had the tag before loses it."""
        with self._locked():
            self._write(self._directory / "oci-layout", io.BytesIO(dump({"imageLayoutVersion": "1.0.0"})))
            index = self._index()
            others = [one for one in index["manifests"] if one.get("annotations", {}).get(_REF_NAME) != tag]
            index["manifests"] = [*others, _entry(manifest, tag)]
            self._write(self._directory / "index.json", io.BytesIO(dump(index)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other processes, and other threads, from changing the index meanwhile."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, path: Path, file: BinaryIO) -> None:
        """Writes a file whole, or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(descriptor, "wb") as out:
                shutil.copyfileobj(file, out, _CHUNK)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ImageError(
                f"the image layout {self._directory} cannot be written: {error.strerror or error}",
                "make the folder writable and leave room on its disk, or name another",
            ) from error


def _layers(whole: Whole, source: Repository) -> Iterator[tuple[Transfer, Callable[[], BinaryIO]]]:
    """The layers of an image, each once, and how to open them; foreign ones stay where they are."""
    found: dict[str, tuple[Transfer, Callable[[], BinaryIO]]] = {}
    for part in whole.parts:
        for layer in part.base.layers:
            if not layer.foreign:
                transfer = Transfer("base", layer.digest, layer.size)
                found.setdefault(layer.digest, (transfer, partial(source.open_blob, layer.digest, layer.size)))
        for own in part.layers:
            found.setdefault(own.digest, (Transfer(own.name, own.digest, own.size), own.open))
    return iter(found.values())


def _entry(manifest: Manifest, tag: str) -> dict[str, Any]:
    described = Descriptor(manifest.media_type, manifest.digest, len(manifest.data)).document()
    return {**described, "annotations": {_REF_NAME: tag}}
