"""The layout builder: OCI image layouts (image-spec, image-layout.md), which skopeo, crane and podman can push."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from fairing_kfp.builders.bases import Bases
from fairing_kfp.builders.blobs import Blob, layers_of, platforms_of
from fairing_kfp.builders.builder import Connection, Plan, PlannedLayer
from fairing_kfp.builders.progress import Progress, Transfer, silent, with_progress
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.builders.tag import Tags
from fairing_kfp.builders.threads import Threads
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ImageError
from fairing_kfp.image.assemble import AssembledIndex, assemble_index
from fairing_kfp.image.descriptor import OCI_INDEX, digest_of, dump
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.client import RegistryClient

_REF_NAME = "org.opencontainers.image.ref.name"
_WORKERS = 4
_CHUNK = 1 << 18


def connect(connection: Connection, argument: str) -> LayoutBuilder:
    """The builder `layout:FOLDER`."""
    return LayoutBuilder(
        Path(argument), cache=connection.cache, client=connection.client(), progress=connection.progress
    )


class LayoutBuilder:
    """Adds images to the image layout in a folder.

    Args:
        directory: the folder; created on the first write.
        cache: stores base manifests.
        client: client of the bases' registries.
        progress: called with layers as they are written.
        tag: template of the tags, with the placeholders `{name}` and `{digest}`.
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
        self._tags = Tags(tag)
        self._bases = Bases(cache, client)
        self._pool = Threads(_WORKERS, "fairing-kfp-layout")
        self._written: SingleFlight[None] = SingleFlight()

    def check(self, image: AnyImage) -> None:
        """Checks that the image fits its base, and that no other component has its tag."""
        index, _ = self._assemble(image)
        self._tags.of(image, index.digest)

    def plan(self, image: AnyImage) -> Plan:
        """Plans what `publish` would do."""
        index, blobs = self._assemble(image)
        platforms = platforms_of(index)
        layers = tuple(
            PlannedLayer(
                blob.name, blob.digest, blob.size, "exists" if self._has(blob) else "write", platforms[blob.digest]
            )
            for blob in blobs
        )
        tag = self._tags.of(image, index.digest)
        return Plan(
            reference=self._reference(index),
            tag=tag,
            base=str(index.images[0].base.reference),
            layers=layers,
            exists=_tagged(index.manifest, tag) in self._read_index()["manifests"],
            bytes_to_send=sum(layer.size for layer in layers if layer.state == "write"),
            requests=sum(layer.name == "base" and layer.state == "write" for layer in layers),
        )

    def publish(self, image: AnyImage) -> str:
        """Writes an image; its entry in `index.json` comes last. Returns `oci:FOLDER@DIGEST`."""
        index, blobs = self._assemble(image)
        tag = self._tags.of(image, index.digest)
        writes = [
            self._written.submit(self._pool, blob.digest, partial(self._write_layer, blob))
            for blob in blobs
            if not self._has(blob)
        ]
        for write in writes:
            write.result()
        with self._errors():
            configs = [one.config for one in index.images]
            for data in (*configs, *(one.data for one in index.indexed), index.manifest.data):
                self._write(self._blob_path(digest_of(data)), io.BytesIO(data))
            self._add_to_index(index.manifest, tag)
        return self._reference(index)

    def close(self) -> None:
        """Waits for writes that have started, and ends the threads."""
        self._pool.close()

    def _assemble(self, image: AnyImage) -> tuple[AssembledIndex, list[Blob]]:
        source = self._bases.repository(image)
        # Some readers of layouts, such as skopeo, only support OCI media types.
        index = assemble_index(image, lambda one: self._bases.of(one, source).as_oci())
        return index, layers_of(index, source)

    def _reference(self, index: AssembledIndex) -> str:
        return f"oci:{self._directory}@{index.digest}"

    def _write_layer(self, blob: Blob) -> None:
        transfer = Transfer(blob.name, blob.digest, blob.size)

        def attempt() -> None:
            self._progress(transfer)
            with with_progress(blob.open, transfer, self._progress)() as file, self._errors():
                self._write(self._blob_path(blob.digest), file)

        self._client.retry(attempt, f"the layer {blob.digest} of the base image")
        self._progress(replace(transfer, done=blob.size, state="sent"))

    def _has(self, blob: Blob) -> bool:
        path = self._blob_path(blob.digest)
        return path.is_file() and path.stat().st_size == blob.size

    def _blob_path(self, digest: str) -> Path:
        return self._directory / "blobs" / Path(*digest.split(":"))

    def _read_index(self) -> dict[str, Any]:
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
        raise ImageError(f"{path} is not the index of an image layout: {cause}", "choose another folder")

    def _add_to_index(self, manifest: Manifest, tag: str) -> None:
        """Tags an image; another image with the tag is removed from the index."""
        with self._locked():
            self._write(self._directory / "oci-layout", io.BytesIO(dump({"imageLayoutVersion": "1.0.0"})))
            index = self._read_index()
            others = [one for one in index["manifests"] if one.get("annotations", {}).get(_REF_NAME) != tag]
            index["manifests"] = [*others, _tagged(manifest, tag)]
            self._write(self._directory / "index.json", io.BytesIO(dump(index)))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Locks the index against other processes and threads."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, path: Path, file: BinaryIO) -> None:
        """Writes a file atomically."""
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
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ImageError(
                f"cannot write the image layout {self._directory}: {error.strerror or error}",
                "make the folder writable, free space on its disk, or choose another folder",
            ) from error


def _tagged(manifest: Manifest, tag: str) -> dict[str, Any]:
    """The entry of a tagged manifest in `index.json`."""
    return {**manifest.descriptor.document(), "annotations": {_REF_NAME: tag}}
