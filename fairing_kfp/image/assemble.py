"""The manifest and config of an image: those of its base, changed as little as can be.

Fields that are not known here are kept as they are, and no time is written, so that equal recipes give equal digests.
An image for several platforms is an index of such manifests (image-spec, image-index.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.errors import ImageError
from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import (
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER,
    OCI_ZSTD_LAYER,
    Descriptor,
    digest_of,
    dump,
)
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.multi_image import MultiImage, Recipe

_PLATFORM_FIELDS = ("architecture", "os", "os.features", "os.version", "variant")


@dataclass(frozen=True)
class Assembled:
    """Everything about an image for one platform that a registry is told.

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


@dataclass(frozen=True)
class Whole:
    """Everything about an image for one platform or several that a registry is told.

    Attributes:
        manifest: what the image's digest is of: the only part's manifest, or an index of all parts.
        parts: one a platform.
    """

    manifest: Manifest
    parts: tuple[Assembled, ...]

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.manifest.digest

    @property
    def indexed(self) -> tuple[Manifest, ...]:
        """The manifests that have to be there before the image's own: those that an index lists."""
        return tuple(part.manifest for part in self.parts) if self.manifest.is_index else ()


def assemble_whole(recipe: Recipe, base_of: Callable[[Image], Base]) -> Whole:
    """Puts the layers of each platform's image upon its base.

    Args:
        recipe: an image for one platform or several.
        base_of: gives the base of one platform's image, or says why it cannot bear it.

    Raises:
        ImageError: a base cannot bear its image; of several platforms the message names the one.
    """
    if not isinstance(recipe, MultiImage):
        part = assemble(base_of(recipe), recipe)
        return Whole(part.manifest, (part,))
    bases = [_base(image, base_of) for image in recipe.images]
    pairs = list(zip(bases, recipe.images, strict=True))
    if not all(base.manifest.media_type == DOCKER_MANIFEST and not _needs_oci(image) for base, image in pairs):
        # Docker's manifest lists hold Docker's manifests, so that one OCI image makes all of them OCI's.
        pairs = [(base.as_oci(), image) for base, image in pairs]
    parts = tuple(assemble(base, image) for base, image in pairs)
    return Whole(_index(parts), parts)


def assemble(base: Base, image: Image) -> Assembled:
    """Puts the layers of an image for one platform upon its base."""
    if _needs_oci(image):
        base = base.as_oci()
    config = dump(_config(base.document, image))
    docker = base.manifest.media_type == DOCKER_MANIFEST
    added = [Descriptor(_media_type(layer, docker), layer.digest, layer.size).document() for layer in image.layers]
    document = base.manifest.document
    manifest = {
        # The base may have been attached to another manifest (image-spec, manifest.md, subject); this image is not.
        **{key: value for key, value in document.items() if key != "subject"},
        "config": Descriptor(base.manifest.config.media_type, digest_of(config), len(config)).document(),
        "layers": [*document["layers"], *added],
    }
    return Assembled(base, Manifest(dump(manifest)), config, image.layers)


def _base(image: Image, base_of: Callable[[Image], Base]) -> Base:
    try:
        return base_of(image)
    except ImageError as error:
        raise type(error)(f"for {image.platform}: {error.message}", error.remedy) from error


def _index(parts: tuple[Assembled, ...]) -> Manifest:
    """The index of manifests; the platforms are named as the bases' configs name them."""
    docker = all(part.manifest.media_type == DOCKER_MANIFEST for part in parts)
    entries = []
    for part in parts:
        platform = {key: part.base.document[key] for key in _PLATFORM_FIELDS if part.base.document.get(key)}
        described = Descriptor(part.manifest.media_type, part.digest, len(part.manifest.data)).document()
        entries.append({**described, "platform": platform})
    media_type = DOCKER_INDEX if docker else OCI_INDEX
    return Manifest(dump({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}))


def _needs_oci(image: Image) -> bool:
    """Docker's schema 2 knows no layers but gzip's."""
    return any(layer.compression == "zstd" for layer in image.layers)


def _media_type(layer: Layer, docker: bool) -> str:
    return OCI_ZSTD_LAYER if layer.compression == "zstd" else DOCKER_LAYER if docker else OCI_LAYER


def _config(document: Mapping[str, Any], image: Image) -> dict[str, Any]:
    diff_ids = document["rootfs"]["diff_ids"]
    changed = {
        **document,
        "config": _settings(document.get("config") or {}, image),
        "rootfs": {**document["rootfs"], "diff_ids": [*diff_ids, *(layer.diff_id for layer in image.layers)]},
    }
    history = document.get("history") or []
    # A history that does not tell of each layer once is the base's own affair; adding to it would make it look right.
    if sum(not entry.get("empty_layer") for entry in history) == len(diff_ids):
        changed["history"] = [*history, *({"created_by": f"fairing-kfp: {layer.name}"} for layer in image.layers)]
    return changed


def _settings(settings: Mapping[str, Any], image: Image) -> dict[str, Any]:
    """The settings of the base without its entrypoint, and with the image's own.

    Kubernetes overrides an entrypoint by a step's `command` and Docker does not, so it would wrap ours there. Cmd is
    the entrypoint's arguments where there is one, and means nothing alone.
    """
    dropped = {"Entrypoint", "Cmd"} if settings.get("Entrypoint") else {"Entrypoint"}
    kept = [variable for variable in settings.get("Env") or [] if variable.partition("=")[0] not in image.env]
    changed = {
        **{key: value for key, value in settings.items() if key not in dropped},
        "Env": [*kept, *(f"{name}={value}" for name, value in sorted(image.env.items()))],
    }
    if image.labels:
        changed["Labels"] = {**(settings.get("Labels") or {}), **image.labels}
    if image.user is not None:
        changed["User"] = image.user
    if image.command is not None:
        changed["Cmd"] = list(image.command)
    return changed
