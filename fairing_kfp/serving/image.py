"""The predictor's image with the model, appended in the step's own pod without Docker or privileges."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image.base import Base
from fairing_kfp.image.image import AnyImage, Image, combine
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.tls import Tls
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.spec import ServingSpec


@dataclass(frozen=True)
class ModelImage:
    """Makes the image with the model.

    Attributes:
        spec: names the predictor's image and the repository.
        client: client of both registries.
    """

    spec: ServingSpec
    client: RegistryClient

    @property
    def predictor(self) -> Reference:
        """The predictor's image."""
        return Reference.parse(self.spec.image)

    @property
    def destination(self) -> Reference:
        """The repository of the image with the model."""
        return Reference.parse(self.spec.repository or self.predictor.name)

    def resolve(self) -> str:
        """The predictor's image by digest.

        Raises:
            RegistryError: it does not exist, or cannot be read.
        """
        if self.predictor.digest:
            return str(self.predictor)
        return str(self.predictor.with_digest(self._source.manifest(self.predictor.wanted).digest))

    def publish(self, model: Model) -> str:
        """Publishes the predictor's image with a model, and returns it by digest.

        Raises:
            PackError: the model cannot be packed.
            RegistryError: the predictor's image does not exist, or the image cannot be pushed.
        """
        with tempfile.TemporaryDirectory(prefix="fairing-serve-") as folder:  # for manifests; the model is streamed
            builder = AppendBuilder(self.destination, cache=Cache.temporary(Path(folder)), client=self.client)
            try:
                return builder.publish(self._recipe(model))
            finally:
                builder.close()

    def check(self) -> None:
        """Checks that the predictor's image can be read, and that the registry accepts a push. Leaves nothing behind.

        Raises:
            RegistryError: the image cannot be read, or the push is denied.
        """
        self._source.manifest(self.predictor.wanted)
        to = self.destination
        Repository(self.client, to.registry, to.repository, frozenset({push(to.repository)})).check_push()

    @property
    def _source(self) -> Repository:
        name = self.predictor.repository
        return Repository(self.client, self.predictor.registry, name, frozenset({pull(name)}))

    def _recipe(self, model: Model) -> AnyImage:
        layers = model.layers()
        images = tuple(self._image(model, layers, platform) for platform in self._platforms())
        return combine(images)

    def _image(self, model: Model, layers: tuple[Layer, ...], platform: Platform) -> Image:
        return Image(
            name=self.spec.name,
            base=self.predictor,
            layers=layers,
            platform=platform,
            python_version=None,  # checked when the predictor's image was made; a model has none
            env={"FAIRING_MODEL_PATH": model.path},
        )

    def _platforms(self) -> tuple[Platform, ...]:
        manifest = self._source.manifest(self.predictor.wanted)
        if manifest.is_index:
            return manifest.platforms
        return (Base(self.predictor, manifest, self._source.blob(manifest.config.digest)).platform,)


@contextlib.contextmanager
def model_image(spec: ServingSpec) -> Iterator[ModelImage]:
    """Connects to the registries of a spec, with the credentials that are mounted into the step."""
    with tempfile.TemporaryDirectory(prefix="fairing-ca-") as folder:
        ca = None
        if spec.ca:
            path = Path(folder, "ca.pem")
            path.write_text(spec.ca, encoding="utf-8")
            ca = os.fspath(path)
        client = RegistryClient(insecure=spec.insecure, tls=Tls(ca))
        try:
            yield ModelImage(spec, client)
        finally:
            client.close()
