"""The manifest and config of an image: those of its base, changed as little as can be.

Fields that are not known here are kept as they are, and no time is written, so that equal recipes give equal digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER, Descriptor, digest_of, dump
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.manifest import Manifest


@dataclass(frozen=True)
class Assembled:
    """Everything about an image that a registry is told.

    Attributes:
        base: what the image stands upon; its layers come first.
        manifest: the manifest, and with it the image's digest.
        config: the bytes of the config.
        layers: the layers that were put upon the base.
    """

    base: Base
    manifest: Manifest
    config: bytes
    layers: tuple[Layer, ...]

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.manifest.digest


def assemble(base: Base, image: Image) -> Assembled:
    """Puts the layers of an image upon its base."""
    config = dump(_config(base.document, image))
    layer_type = DOCKER_LAYER if base.manifest.media_type == DOCKER_MANIFEST else OCI_LAYER
    added = [Descriptor(layer_type, layer.digest, layer.size).document() for layer in image.layers]
    document = base.manifest.document
    manifest = {
        # The base may have been attached to another manifest (image-spec, manifest.md, subject); this image is not.
        **{key: value for key, value in document.items() if key != "subject"},
        "config": Descriptor(base.manifest.config.media_type, digest_of(config), len(config)).document(),
        "layers": [*document["layers"], *added],
    }
    return Assembled(base, Manifest(dump(manifest)), config, image.layers)


def _config(document: Mapping[str, Any], image: Image) -> dict[str, Any]:
    diff_ids = document["rootfs"]["diff_ids"]
    changed = {
        **document,
        "config": _settings(document.get("config") or {}, image.env),
        "rootfs": {**document["rootfs"], "diff_ids": [*diff_ids, *(layer.diff_id for layer in image.layers)]},
    }
    history = document.get("history") or []
    # A history that does not tell of each layer once is the base's own affair; adding to it would make it look right.
    if sum(not entry.get("empty_layer") for entry in history) == len(diff_ids):
        changed["history"] = [*history, *({"created_by": f"fairing-kfp: {layer.name}"} for layer in image.layers)]
    return changed


def _settings(settings: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """The settings of the base without its entrypoint.

    Kubernetes overrides an entrypoint by a step's `command` and Docker does not, so it would wrap ours there. Cmd is
    the entrypoint's arguments where there is one, and means nothing alone.
    """
    dropped = {"Entrypoint", "Cmd"} if settings.get("Entrypoint") else {"Entrypoint"}
    kept = [variable for variable in settings.get("Env") or [] if variable.partition("=")[0] not in env]
    return {
        **{key: value for key, value in settings.items() if key not in dropped},
        "Env": [*kept, *(f"{name}={value}" for name, value in sorted(env.items()))],
    }
