"""Media types, and descriptors: how one document of an image points at another (image-spec, descriptor.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.errors import ImageError
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import is_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

TO_OCI = {
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_FOREIGN: OCI_FOREIGN,
}
"""OCI's names for Docker's layers; what else Docker's images hold is in OCI's words already."""

INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

_FOREIGN = (".foreign.", ".nondistributable.")


@dataclass(frozen=True)
class Descriptor:
    """Media type, digest and size of a document or blob.

    Attributes:
        platform: of a manifest in an index, if the index names one.
        foreign: whether registries do not hold it: it is fetched from elsewhere (Windows base layers).
    """

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    foreign: bool = False

    @classmethod
    def parse(cls, document: Any) -> Descriptor:
        """Reads a descriptor that somebody else wrote.

        Raises:
            ImageError: it is malformed, or its digest is not a sha256 one.
        """
        try:
            media_type, digest, size = document["mediaType"], document["digest"], document["size"]
            platform = _platform(document.get("platform"))
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(f"a descriptor lacks {error}") from None
        if not is_digest(digest):
            raise malformed(f"{digest!r} is not a sha256 digest")
        if not isinstance(media_type, str) or type(size) is not int or size < 0:
            raise malformed(f"the descriptor of {digest} has no media type or no size")
        foreign = any(word in media_type for word in _FOREIGN) and bool(document.get("urls"))
        return cls(media_type, digest, size, platform, foreign)

    def document(self) -> dict[str, Any]:
        """The three fields that every descriptor has."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def digest_of(data: bytes) -> str:
    """The sha256 digest of bytes, as manifests write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def load(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ImageError: it is something else.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise malformed(f"the {what} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise malformed(f"the {what} is not a JSON object")
    return document


def dump(document: Mapping[str, Any]) -> bytes:
    """JSON with one spelling for one value."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def malformed(cause: str) -> ImageError:
    """An image that breaks the specification; the caller knows which image it is and says so."""
    return ImageError(f"the image is malformed: {cause}", "take another base image, or have this one built again")


def _platform(document: Any) -> Platform | None:
    """The platform of an entry of an index; `unknown/unknown` marks what is not an image, such as an attestation."""
    if document is None or document["os"] == "unknown":
        return None
    return Platform(str(document["os"]), str(document["architecture"]), str(document.get("variant") or ""))
