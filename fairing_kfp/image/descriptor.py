"""Descriptors, media types, and the JSON of image documents (image-spec, descriptor.md and media-types.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from fairing_kfp.errors import ImageError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.platform import Platform, is_platform_part
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
"""OCI media types of Docker's gzip layers; Docker uses OCI's for the other kinds of layers."""

INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})

_MAX_DEPTH = 100
_MAX_SIZE = (1 << 63) - 1
_MAX_CAUSE = 500  # characters
_FOREIGN = (".foreign.", ".nondistributable.")


@dataclass(frozen=True)
class Descriptor:
    """A reference to a document or blob.

    Attributes:
        media_type: its media type.
        digest: its digest.
        size: in bytes.
        platform: the platform of a manifest in an index; None if the index does not name it.
        foreign: whether it is a layer with its own URLs, such as a Windows base layer, that registries do not store.
    """

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    foreign: bool = False

    @classmethod
    def parse(cls, document: Any) -> Descriptor:
        """Parses a descriptor.

        Raises:
            ImageError: it is malformed, or its digest is not a sha256 digest.
        """
        try:
            media_type, digest, size = document["mediaType"], document["digest"], document["size"]
            platform = _platform(document.get("platform"))
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(f"a descriptor lacks {error}") from None
        if not is_digest(digest):
            raise malformed(f"{digest!r} is not a sha256 digest")
        if not isinstance(media_type, str) or type(size) is not int or not 0 <= size <= _MAX_SIZE:
            raise malformed(f"the descriptor of {digest} has no media type or no size")
        foreign = any(word in media_type for word in _FOREIGN) and bool(document.get("urls"))
        return cls(media_type, digest, size, platform, foreign)

    def document(self) -> dict[str, Any]:
        """Its JSON: the three required fields."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def digest_of(data: bytes) -> str:
    """The sha256 digest of bytes, as `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def load(data: bytes, what: str) -> dict[str, Any]:
    """Parses a JSON object.

    Args:
        data: the JSON.
        what: its name, for messages.

    Raises:
        ImageError: the data is not a JSON object.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise malformed(f"the {what} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise malformed(f"the {what} is not a JSON object")
    if _is_deeper(document, _MAX_DEPTH):
        raise malformed(f"the {what} is nested more than {_MAX_DEPTH} levels deep")
    return document


def _is_deeper(document: Any, limit: int) -> bool:
    """Whether a JSON value is nested more deeply. Without recursion, which Python limits."""
    values = [document]
    for _ in range(limit):
        values = [inner for value in values for inner in _inner(value)]
        if not values:
            return False
    return True


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def dump(document: Mapping[str, Any]) -> bytes:
    """Canonical JSON: equal values give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def malformed(cause: str) -> ImageError:
    """The error of an image that violates the specification; callers add the image's name."""
    if len(cause) > _MAX_CAUSE:
        cause = f"{cause[:_MAX_CAUSE]}…"
    return ImageError(f"the image is malformed: {cause}", "use another base image, or build this one again")


def _platform(document: Any) -> Platform | None:
    """The platform of an index entry; `unknown/unknown` marks entries that are not images, such as attestations."""
    if document is None or document["os"] == "unknown":
        return None
    parts = (document["os"], document["architecture"], document.get("variant") or "")
    if not all(map(is_platform_part, parts)):
        raise malformed(f"{document!r} is not a platform")
    return Platform(*parts)
