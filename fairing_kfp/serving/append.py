"""The predictor's image with the model in it, appended from the step's own pod, without Docker or privilege."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fairing_kfp.build.append import AppendBuilder
from fairing_kfp.build.cache import Cache
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.multi_image import MultiImage, Recipe
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.tls import Tls
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.order import Order


@dataclass(frozen=True)
class Registries:
    """The predictor's image, and where that with the model goes.

    Attributes:
        order: what is to be served.
        client: reaches both.
    """

    order: Order
    client: RegistryClient

    @property
    def predictor(self) -> Reference:
        """The predictor's image."""
        return Reference.parse(self.order.image)

    @property
    def target(self) -> Reference:
        """The repository of the image with the model."""
        return Reference.parse(self.order.repository or self.predictor.name)

    def resolved(self) -> str:
        """The predictor's image by its digest.

        Raises:
            RegistryError: it is not there, or cannot be read.
        """
        if self.predictor.digest:
            return str(self.predictor)
        return str(self.predictor.with_digest(self._source.manifest(self.predictor.wanted).digest))

    def with_model(self, model: Model) -> str:
        """Publishes the predictor's image with a model in it; gives it by digest.

        Raises:
            PackError: the model cannot be packed.
            RegistryError: the predictor is not there, or the model cannot be sent.
        """
        with tempfile.TemporaryDirectory(prefix="fairing-serve-") as folder:  # manifests; the model is not copied
            builder = AppendBuilder(self.target, cache=Cache(Path(folder)), client=self.client)
            try:
                return builder.publish(self._recipe(model))
            finally:
                builder.close()

    def check(self) -> None:
        """Sees that the predictor can be read, and that a push would be taken, without leaving anything.

        Raises:
            RegistryError: it cannot, or would not.
        """
        self._source.manifest(self.predictor.wanted)
        target = self.target
        Repository(self.client, target.registry, target.repository, frozenset({push(target.repository)})).check_push()

    @property
    def _source(self) -> Repository:
        name = self.predictor.repository
        return Repository(self.client, self.predictor.registry, name, frozenset({pull(name)}))

    def _recipe(self, model: Model) -> Recipe:
        layers = model.layers()
        images = tuple(self._image(model, layers, platform) for platform in self._platforms())
        return images[0] if len(images) == 1 else MultiImage(images)

    def _image(self, model: Model, layers: tuple[Layer, ...], platform: Platform) -> Image:
        # The predictor was checked against its base when it was made; a model has no Python.
        python = self.order.python or ".".join(map(str, sys.version_info[:2]))
        major, _, minor = python.partition(".")
        return Image(
            name=self.order.name,
            base=self.predictor,
            layers=layers,
            platform=platform,
            python_version=(int(major), int(minor)),
            declared_python=python,
            env={"FAIRING_MODEL_PATH": model.path},
        )

    def _platforms(self) -> tuple[Platform, ...]:
        manifest = self._source.manifest(self.predictor.wanted)
        if manifest.is_index:
            return manifest.platforms
        document = json.loads(self._source.blob(manifest.config.digest))
        return (Platform(document["os"], document["architecture"], document.get("variant") or ""),)


@contextlib.contextmanager
def registries(order: Order) -> Iterator[Registries]:
    """Reaches the registries as the order says, with the logins that are mounted into the step."""
    with tempfile.TemporaryDirectory(prefix="fairing-ca-") as folder:
        ca = None
        if order.ca:
            path = Path(folder, "ca.pem")
            path.write_text(order.ca, encoding="utf-8")
            ca = os.fspath(path)
        client = RegistryClient(insecure=order.insecure, tls=Tls(ca))
        try:
            yield Registries(order, client)
        finally:
            client.close()
