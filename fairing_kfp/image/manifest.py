"""Manifests and indexes as registries give them (image-spec, manifest.md and image-index.md; Docker's schema 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fairing_kfp.errors import ImageError, PlatformError
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

_MOST_ENTRIES = 1000


@dataclass(frozen=True)
class Manifest:
    """The bytes of a manifest or index, which its digest stands for, and what they say."""

    data: bytes

    @cached_property
    def digest(self) -> str:
        """The digest of the bytes."""
        return digest_of(self.data)

    @cached_property
    def document(self) -> dict[str, Any]:
        """What the bytes say, to be read only."""
        return load(self.data, "manifest")

    @cached_property
    def media_type(self) -> str:
        """What the document is.

        OCI makes the field optional and Docker does not, so a document without it is an OCI one. A document that could
        be read both as an index and as a manifest is refused (CVE-2021-41190).

        Raises:
            ImageError: it is neither a manifest nor an index that containers are made of.
        """
        document = self.document
        if document.get("schemaVersion") == 1:
            raise ImageError(
                "the image has a manifest of Docker's schema 1", "have it built again by a present-day tool"
            )
        if "manifests" in document and ("layers" in document or "config" in document):
            raise malformed("its manifest is an index as well")
        media_type = str(document.get("mediaType") or (OCI_INDEX if "manifests" in document else OCI_MANIFEST))
        if media_type not in (INDEXES if "manifests" in document else MANIFESTS):
            raise malformed(f"its manifest is of type {media_type!r}")
        return media_type

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests, one a platform."""
        return self.media_type in INDEXES

    @cached_property
    def entries(self) -> tuple[Descriptor, ...]:
        """The manifests of an index, or the layers of a manifest."""
        listed = self.document.get("manifests" if self.is_index else "layers")
        if not isinstance(listed, list) or len(listed) > _MOST_ENTRIES:
            raise malformed(f"its manifest does not list between 0 and {_MOST_ENTRIES} entries")
        return tuple(Descriptor.parse(entry) for entry in listed)

    @cached_property
    def config(self) -> Descriptor:
        """Where the config of a manifest is."""
        return Descriptor.parse(self.document.get("config"))

    @cached_property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that an index lists; none for a manifest."""
        return tuple(entry.platform for entry in self.entries if entry.platform)

    def as_oci(self) -> Manifest:
        """The same in OCI's media types, if it is in Docker's."""
        if self.media_type != DOCKER_MANIFEST:
            return self
        layers = [
            {**layer, "mediaType": TO_OCI.get(layer["mediaType"], layer["mediaType"])}
            for layer in self.document["layers"]
        ]
        config = {**self.document["config"], "mediaType": OCI_CONFIG}
        return Manifest(dump({**self.document, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}))

    def select(self, reference: Reference, platform: Platform) -> Descriptor:
        """The manifest of an index that is for a platform.

        Raises:
            PlatformError: there is none; the error lists those there are.
        """
        chosen = platform.choose(self.platforms)
        for entry in self.entries:
            if chosen and entry.platform == chosen:
                return entry
        raise no_such_platform(reference, platform, self.platforms)


def no_such_platform(
    reference: Reference | Dockerfile, platform: Platform, offered: tuple[Platform, ...]
) -> PlatformError:
    """The base image cannot run there."""
    listed = ", ".join(sorted({str(one) for one in offered})) or "none that it names"
    return PlatformError(
        f"the base image {reference} is not for {platform}, only for: {listed}",
        "choose one of these platforms, or another base image",
    )
