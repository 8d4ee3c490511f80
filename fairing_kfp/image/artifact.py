"""Artifacts that are attached to an image, such as an SBOM (image-spec, manifest.md, guidelines for artifact usage)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.descriptor import OCI_MANIFEST, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest

EMPTY = b"{}"
"""The config of artifacts (image-spec, manifest.md, guidance for an empty descriptor)."""

_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


@dataclass(frozen=True)
class Artifact:
    """A document that is attached to an image.

    Attributes:
        media_type: the type of the document, and of the artifact.
        data: the document.
        annotations: annotations of its manifest, which registries list with it.
    """

    media_type: str
    data: bytes = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    def manifest(self, subject: Descriptor) -> Manifest:
        """Its manifest. Equal documents about the same image have the same digest.

        Args:
            subject: the image.
        """
        empty = Descriptor(_EMPTY_TYPE, digest_of(EMPTY), len(EMPTY)).document()
        return Manifest(
            dump(
                {
                    "schemaVersion": 2,
                    "mediaType": OCI_MANIFEST,
                    "artifactType": self.media_type,
                    "config": empty,
                    "layers": [Descriptor(self.media_type, digest_of(self.data), len(self.data)).document()],
                    "subject": subject.document(),
                    "annotations": dict(self.annotations),
                }
            )
        )


@dataclass(frozen=True)
class Referrer:
    """An artifact of an image, as a registry lists it.

    Attributes:
        descriptor: of its manifest.
        artifact_type: the type of the artifact; empty if the registry does not tell.
        annotations: the annotations of its manifest.
    """

    descriptor: Descriptor
    artifact_type: str
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, manifest: Manifest) -> Referrer:
        """The entry of a manifest."""
        document = manifest.document
        return cls(manifest.descriptor, _text(document.get("artifactType")), _texts(document.get("annotations")))

    @classmethod
    def parse(cls, document: Any) -> Referrer:
        """Parses an entry of a list of referrers.

        Raises:
            ImageError: it is malformed.
        """
        described = Descriptor.parse(document)
        return cls(described, _text(document.get("artifactType")), _texts(document.get("annotations")))

    def document(self) -> dict[str, Any]:
        """Its JSON (image-spec, descriptor.md)."""
        found = {**self.descriptor.document(), "artifactType": self.artifact_type}
        return {**found, "annotations": dict(self.annotations)} if self.annotations else found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> dict[str, str]:
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}
