"""Assembly of an image's manifest and config from those of its base.

Unknown fields are kept, except those that describe the base itself, and no time is written, so that equal images have
equal digests. An image for several platforms is an index of manifests (image-spec, image-index.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.errors import ImageError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import (
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    OCI_ZSTD_LAYER,
    Descriptor,
    digest_of,
    dump,
)
from fairing_kfp.image.image import AnyImage, Image, MultiPlatformImage
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.manifest import Manifest

_PLATFORM_FIELDS = ("architecture", "os", "os.features", "os.version", "variant")
_DESCRIBES_ITSELF = ("org.opencontainers.image.", "org.label-schema.", "vcs-")
"""Prefixes of annotations and labels about an image itself, such as its source, revision and version (image-spec,
annotations.md; label-schema.org; Red Hat's images): those of the base would be wrong for an image on top of it."""

_BASE_DIGEST = "org.opencontainers.image.base.digest"


@dataclass(frozen=True)
class AssembledImage:
    """An image for one platform, ready to be pushed.

    Attributes:
        base: the base image; its layers come first.
        manifest: the image's manifest.
        config: the bytes of the config.
        layers: the layers on top of the base.
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
class AssembledIndex:
    """An image for one platform or several, ready to be pushed.

    Attributes:
        manifest: an index; for one platform, the manifest of the only image.
        images: one per platform.
    """

    manifest: Manifest
    images: tuple[AssembledImage, ...]

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.manifest.digest

    @property
    def indexed(self) -> tuple[Manifest, ...]:
        """The manifests that the index lists, which registries want before the index; none for one platform."""
        return tuple(image.manifest for image in self.images) if self.manifest.is_index else ()


def assemble_index(image: AnyImage, base_of: Callable[[Image], Base]) -> AssembledIndex:
    """Assembles an image for one platform or several.

    Args:
        image: the image.
        base_of: returns the base for one platform, or raises ImageError if the base does not fit.

    Raises:
        ImageError: a base does not fit; for several platforms, the message names the platform.
    """
    if not isinstance(image, MultiPlatformImage):
        assembled = assemble_image(base_of(image), image)
        return AssembledIndex(assembled.manifest, (assembled,))
    pairs = [(_base_for_platform(one, base_of), one) for one in image.images]
    # A Docker manifest list may only list Docker manifests, so one OCI image makes all of them OCI.
    oci = not all(base.manifest.media_type == DOCKER_MANIFEST and not _needs_oci(one) for base, one in pairs)
    images = tuple(assemble_image(base, one, oci=oci) for base, one in pairs)
    return AssembledIndex(_index(images), images)


def assemble_image(base: Base, image: Image, *, oci: bool = False) -> AssembledImage:
    """Assembles an image for one platform: its layers go on top of the base's.

    Args:
        base: the base.
        image: the image.
        oci: whether a Docker base gets OCI media types in any case; else only if a layer needs them.
    """
    digest = base.manifest.digest
    if oci or _needs_oci(image):
        base = base.as_oci()
    config = dump(_config(base.document, image))
    docker = base.manifest.media_type == DOCKER_MANIFEST
    added = [Descriptor(_media_type(layer, docker), layer.digest, layer.size).document() for layer in image.layers]
    document = base.manifest.document
    annotations = _without_descriptions(document.get("annotations"))
    if base.manifest.media_type == OCI_MANIFEST:  # Docker's have no annotations
        annotations[_BASE_DIGEST] = digest
    manifest = {
        # The base may be attached to another manifest (image-spec, manifest.md, subject); the new image is not.
        **{key: value for key, value in document.items() if key not in ("annotations", "subject")},
        **({"annotations": annotations} if annotations else {}),
        "config": Descriptor(base.manifest.config.media_type, digest_of(config), len(config)).document(),
        "layers": [*document["layers"], *added],
    }
    return AssembledImage(base, Manifest(dump(manifest)), config, image.layers)


def _base_for_platform(image: Image, base_of: Callable[[Image], Base]) -> Base:
    try:
        return base_of(image)
    except ImageError as error:
        raise type(error)(f"for {image.platform}: {error.message}", error.remedy) from error


def _index(images: tuple[AssembledImage, ...]) -> Manifest:
    """The index of some images; platforms are spelled as in the configs of the bases."""
    docker = all(image.manifest.media_type == DOCKER_MANIFEST for image in images)
    entries = []
    for image in images:
        config = image.base.document
        platform = {key: config[key] for key in _PLATFORM_FIELDS if config.get(key)}
        entries.append({**image.manifest.descriptor.document(), "platform": platform})
    media_type = DOCKER_INDEX if docker else OCI_INDEX
    return Manifest(dump({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}))


def _without_descriptions(texts: Any) -> dict[str, Any]:
    """The annotations or labels of a base that are true for an image on top of it."""
    if not isinstance(texts, dict):
        return {}
    return {name: text for name, text in texts.items() if not name.startswith(_DESCRIBES_ITSELF)}


def _needs_oci(image: Image) -> bool:
    """Whether an image needs OCI media types: Docker's schema 2 only has gzip layers."""
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
    # A history without exactly one entry per layer is inconsistent, and stays as it is.
    if sum(not entry.get("empty_layer") for entry in history) == len(diff_ids):
        changed["history"] = [*history, *({"created_by": f"fairing-kfp: {layer.name}"} for layer in image.layers)]
    return changed


def _settings(settings: Mapping[str, Any], image: Image) -> dict[str, Any]:
    """The base's settings without its entrypoint, merged with the image's settings.

    A step's `command` overrides the entrypoint on Kubernetes, but becomes its arguments in Docker; removing it makes
    both run the same command. With an entrypoint, Cmd contains its arguments, and is removed as well.
    """
    dropped = {"Entrypoint", "Labels", *(["Cmd"] if settings.get("Entrypoint") else [])}
    kept = [variable for variable in settings.get("Env") or [] if variable.partition("=")[0] not in image.env]
    changed = {
        **{key: value for key, value in settings.items() if key not in dropped},
        "Env": [*kept, *(f"{name}={value}" for name, value in sorted(image.env.items()))],
    }
    if labels := {**_without_descriptions(settings.get("Labels")), **image.labels}:
        changed["Labels"] = labels
    if image.user is not None:
        changed["User"] = image.user
    if image.command is not None:
        changed["Cmd"] = list(image.command)
    if image.working_folder is not None:
        changed["WorkingDir"] = image.working_folder
    return changed
