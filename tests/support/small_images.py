"""Small base images in registries, and a check of images built on them."""

from __future__ import annotations

import io
import json
from typing import Any

from fairing_kfp.image import File, Image, Layer, Platform, Reference
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

AMD64 = Platform.parse("linux/amd64")


def layer(name: str, data: bytes = b"") -> Layer:
    return layer_of_files(name, [File(f"opt/{name}", data or name.encode())])


def image(base: str, *layers: Layer, name: str = "train") -> Image:
    return Image(name, Reference.parse(base), layers, AMD64, (3, 11))


def repository(client: RegistryClient, host: str, name: str) -> Repository:
    return Repository(client, host, name, frozenset({push(name)}))


def push_small_base(
    client: RegistryClient,
    host: str,
    name: str,
    *layers: Layer,
    foreign: dict[str, Any] | None = None,
    python: str = "3.11",
    architecture: str = "amd64",
) -> Manifest:
    """Pushes a base image to a registry, tagged `1`.

    Args:
        client: client for the registry.
        host: host of the registry.
        name: name of the repository.
        layers: layers of the base.
        foreign: descriptor of an additional layer that is not in the registry.
        python: Python version in its configuration.
        architecture: architecture in its configuration.
    """
    target = repository(client, host, name)
    diff_ids = [one.diff_id for one in layers] + ([f"sha256:{'f' * 64}"] if foreign else [])
    config = dump(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": [f"PYTHON_VERSION={python}.2"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
    for one in layers:
        target.put_blob(one.digest, one.size, one.open)
    target.put_blob(digest_of(config), len(config), lambda: io.BytesIO(config))
    listed = [Descriptor(OCI_LAYER, one.digest, one.size).document() for one in layers]
    document = {
        "schemaVersion": 2,
        "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
        "layers": [*listed, *([foreign] if foreign else [])],
    }
    manifest = Manifest(dump(document))
    target.put_manifest(manifest, "1")
    return manifest


def assert_whole(client: RegistryClient, host: str, name: str, tag: str) -> Manifest:
    """Reads an image, and asserts that every blob has its digest."""
    held = repository(client, host, name)
    manifest = held.manifest(tag)
    assert held.manifest(manifest.digest) == manifest
    config = json.loads(held.blob(manifest.config.digest))
    assert len(config["rootfs"]["diff_ids"]) == len(manifest.entries)
    for entry in manifest.entries:
        if not entry.foreign:
            with held.open_blob(entry.digest, entry.size) as blob:
                while blob.read(1 << 20):
                    pass
    return manifest
