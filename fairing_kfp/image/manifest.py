"""Manifests and indexes (image-spec, manifest.md and image-index.md; Docker's schema 2)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from fairing_kfp.errors import ImageError, PlatformError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.descriptor import (
    DOCKER_MANIFEST,
    INDEXES,
    MANIFESTS,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    TO_OCI,
    Descriptor,
    digest_of,
    dump,
    load,
    malformed,
)
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

_MAX_ENTRIES = 1000
_MAX_LISTED = 20  # platforms in a message


@dataclass(frozen=True)
class Manifest:
    """A manifest or index.

    Attributes:
        data: its bytes, which determine the digest.
    """

    data: bytes

    @cached_property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of(self.data)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The parsed JSON; read-only.

        Raises:
            ImageError: the bytes are not a JSON object.
        """
        return load(self.data, "manifest")

    @cached_property
    def media_type(self) -> str:
        """The media type of the document.

        The field is optional in OCI and required by Docker, so a document without it is OCI. A document that is both
        an index and a manifest is rejected (CVE-2021-41190).

        Raises:
            ImageError: it is not the manifest or index of a container image.
        """
        document = self.document
        if document.get("schemaVersion") == 1:
            raise ImageError("the image has a Docker schema 1 manifest", "build it again with a current tool")
        if "manifests" in document and ("layers" in document or "config" in document):
            raise malformed("its manifest is also an index")
        media_type = str(document.get("mediaType") or (OCI_INDEX if "manifests" in document else OCI_MANIFEST))
        if media_type not in (INDEXES if "manifests" in document else MANIFESTS):
            raise malformed(f"its manifest has the media type {media_type!r}")
        return media_type

    @property
    def is_index(self) -> bool:
        """Whether this is an index, which lists one manifest per platform."""
        return self.media_type in INDEXES

    @cached_property
    def entries(self) -> tuple[Descriptor, ...]:
        """The manifests of an index, or the layers of a manifest."""
        listed = self.document.get("manifests" if self.is_index else "layers")
        if not isinstance(listed, list) or len(listed) > _MAX_ENTRIES:
            raise malformed(f"its manifest must list between 0 and {_MAX_ENTRIES} entries")
        return tuple(Descriptor.parse(entry) for entry in listed)

    @cached_property
    def config(self) -> Descriptor:
        """The descriptor of a manifest's config."""
        return Descriptor.parse(self.document.get("config"))

    @cached_property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that an index lists; none for a manifest."""
        return tuple(entry.platform for entry in self.entries if entry.platform)

    @property
    def descriptor(self) -> Descriptor:
        """Its own descriptor, as an index or image layout lists it."""
        return Descriptor(self.media_type, self.digest, len(self.data))

    def as_oci(self) -> Manifest:
        """The manifest with OCI media types instead of Docker's."""
        if self.media_type != DOCKER_MANIFEST:
            return self
        layers = [
            {**layer, "mediaType": TO_OCI.get(layer["mediaType"], layer["mediaType"])}
            for layer in self.document["layers"]
        ]
        config = {**self.document["config"], "mediaType": OCI_CONFIG}
        return Manifest(dump({**self.document, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}))

    def select(self, reference: Reference, platform: Platform) -> Descriptor:
        """The entry of an index for a platform.

        Args:
            reference: the index, for messages.
            platform: the wanted platform.

        Raises:
            PlatformError: the index has no such platform; the error lists the platforms that it has.
        """
        chosen = platform.choose(self.platforms)
        for entry in self.entries:
            if chosen and entry.platform == chosen:
                return entry
        raise unsupported_platform(reference, platform, self.platforms)


def unsupported_platform(
    reference: Reference | Dockerfile, platform: Platform, supported: tuple[Platform, ...]
) -> PlatformError:
    """The error of a base image that does not support a platform."""
    names = sorted({str(one) for one in supported})
    listed = ", ".join([*names[:_MAX_LISTED], *["…"] * (len(names) > _MAX_LISTED)]) or "unknown platforms"
    return PlatformError(
        f"the base image {reference} does not support {platform}, only: {listed}",
        "choose one of these platforms, or another base image",
    )
