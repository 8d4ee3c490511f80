"""A small image in a registry, attested without packages from an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.progress import silent
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.lock import Lock, Pin
from fairing_kfp.dependencies.target import Target
from fairing_kfp.image import File, Image, Reference
from fairing_kfp.image.descriptor import OCI_INDEX, dump
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.recipe.attest import Attester
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.settings import Settings
from tests.support.small_images import AMD64, layer, push_small_base, repository

BUNDLE = Bundle("train", (File("opt/fairing/code/step.json", b"{}"),))
PACKAGES = layer("dependencies", b"packages")
LOCK = Lock.from_pins(
    Target((3, 11)),
    {"one": Pin("1.0", (f"sha256:{'1' * 64}",)), "two": Pin("2.0", (f"sha256:{'2' * 64}", f"sha256:{'3' * 64}"))},
)
LICENSES: Mapping[str, list[str]] = {"one": ["MIT"], "two": ["A license", "Another license"]}


@dataclass(frozen=True)
class Publisher:
    """Publishes and attests an image in a registry on loopback.

    Attributes:
        host: the registry.
        cache: the cache.
        folder: the working tree.
    """

    host: str
    cache: Cache
    folder: Path

    def image(self, base: str = "base/python:1") -> Image:
        layers = (layer_of_files("runtime", [File("opt/runtime", b"runtime")]), PACKAGES, *BUNDLE.layers)
        return Image("train", Reference.parse(f"{self.host}/{base}"), layers, AMD64, (3, 11))

    def push_base(self, name: str = "base/python", content: bytes = b"base", python: str = "3.11") -> None:
        client = RegistryClient()
        push_small_base(client, self.host, name, layer("base", content), python=python)
        client.close()

    def push_base_index(self) -> None:
        """Replaces the base by one for amd64 and arm64."""
        client = RegistryClient()
        entries = []
        for name in ("amd64", "arm64"):
            manifest = push_small_base(
                client, self.host, "base/python", layer("base", name.encode()), architecture=name
            )
            entries.append({**manifest.descriptor.document(), "platform": {"os": "linux", "architecture": name}})
        index = Manifest(dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
        repository(client, self.host, "base/python").put_manifest(index, "1")
        client.close()

    def base_digest(self) -> str:
        client = RegistryClient()
        digest = repository(client, self.host, "base/python").manifest("1").digest
        client.close()
        return digest

    def publish(self, image: AnyImage | None = None) -> str:
        """Publishes the image; returns its reference."""
        client = RegistryClient()
        builder = AppendBuilder(f"{self.host}/team/app", cache=self.cache, client=client)
        try:
            return builder.publish(image or self.image())
        finally:
            builder.close()
            client.close()

    def attest(self, reference: str, image: AnyImage | None = None, bundle: Bundle = BUNDLE) -> bool:
        for name, licenses in LICENSES.items():
            self.cache.put_record("licenses", LOCK.only(name).digest, licenses)
        packages = {PACKAGES.digest: LOCK.requirements}
        recipe = ImageRecipe("train", bundle, image or self.image(), packages, locks={PACKAGES.digest: LOCK})
        connection = Connection(Settings(), "train", self.cache, silent)
        with Attester(connection, self.folder) as attester:
            return attester.attest(recipe, reference, {"base": f"{self.host}/base/python:1", "component": "train"})
