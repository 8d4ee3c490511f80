"""Images that are published to the cache alone, where `diff` finds them without a registry."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fairing_kfp
from fairing_kfp.builders.bases import Bases
from fairing_kfp.builders.builder import Plan
from fairing_kfp.cache.store import Cache
from fairing_kfp.component.load import load_pipeline
from fairing_kfp.image.assemble import assemble_index
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, Descriptor, digest_of, dump
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.layer import Layer
from fairing_kfp.registry.client import RegistryClient
from tests.support.small_images import layer

PROJECT = "registry.example.com/me/lab"


def put_base(cache: Cache, *layers: Layer, **env: str) -> str:
    """Puts a base image for this Python into a cache; returns its reference."""
    layers = layers or (layer("base"),)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}.0"
    config = dump(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": [f"{name}={value}" for name, value in {"PYTHON_VERSION": python, **env}.items()]},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
            "history": [{"created_by": "debian"} for _ in layers],
        }
    )
    manifest = dump(
        {
            "schemaVersion": 2,
            "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
            "layers": [Descriptor(OCI_LAYER, one.digest, one.size).document() for one in layers],
        }
    )
    for data in (config, manifest):
        cache.put_blob(data)
    return f"registry.example.com/base/python@{digest_of(manifest)}"


class CacheBuilder:
    """Publishes images to the cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._bases = Bases(cache, RegistryClient())

    def check(self, image: AnyImage) -> None:
        """Accepts every image."""

    def plan(self, image: AnyImage) -> Plan:
        raise NotImplementedError

    def publish(self, image: AnyImage) -> str:
        repository = self._bases.repository(image)
        index = assemble_index(image, lambda one: self._bases.of(one, repository))
        for one in index.images:
            for own in one.layers:
                with own.open() as file:
                    self._cache.put_blob(file.read())
            self._cache.put_blob(one.config)
            self._cache.put_blob(one.manifest.data)
        self._cache.put_blob(index.manifest.data)
        return f"{PROJECT}@{index.digest}"

    def close(self) -> None:
        """Does nothing."""


def compile_to_cache(target: str, output: Path, base: str, cache: Cache, **settings: Any) -> str:
    """Compiles a pipeline whose images are only in the cache; returns the path of the YAML."""
    pipeline = load_pipeline(target)
    fairing_kfp.compile(pipeline, output, builder=CacheBuilder(cache), cache=cache, base_image=base, **settings)
    return str(output)
