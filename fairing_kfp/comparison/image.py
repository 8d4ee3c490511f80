"""Images to compare: their layers by name, and the settings of their configs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from fairing_kfp.image.base import Base
from fairing_kfp.image.layer import Compression

_CREATED_BY = "fairing-kfp: "
"""What the history of our layers begins with, see `fairing_kfp.image.assemble`."""


@dataclass(frozen=True)
class ImageLayer:
    """A layer of an image.

    Attributes:
        name: its name in the history; empty for a layer of the base image.
        diff_id: the digest of its archive.
        digest: the digest of the compressed archive.
        size: in bytes, compressed.
        compression: its compression.
        open: opens the compressed archive.
        packages: its packages as `name==version`, if they are known without reading it.
    """

    name: str
    diff_id: str
    digest: str
    size: int
    compression: Compression
    open: Callable[[], BinaryIO] = field(compare=False, repr=False)
    packages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PlatformImage:
    """An image for one platform.

    Attributes:
        layers: its own layers, lowest first.
        base: diff ids of the layers of its base image; empty if the history does not tell them from the others.
        settings: the settings of its config (image-spec, config.md).
        base_name: the base image, if it is known.
        media_type: the media type of the manifest; empty for an image of the working tree whose base cannot be read.
    """

    layers: tuple[ImageLayer, ...]
    base: tuple[str, ...]
    settings: Mapping[str, Any] = field(hash=False)
    base_name: str = ""
    media_type: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether its base image was read."""
        return self.media_type != ""

    @property
    def env(self) -> dict[str, str]:
        """Its environment variables."""
        pairs = (one.partition("=") for one in self.settings.get("Env") or [])
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class ComparedImage:
    """An image by digest.

    Attributes:
        digest: its digest; empty if it is unknown.
        platforms: the image for each platform, by the platform's name.
    """

    digest: str
    platforms: Mapping[str, PlatformImage] = field(hash=False)


def platform_image(
    parsed: Base,
    open_layer: Callable[[str, int], BinaryIO],
    packages: Mapping[str, tuple[str, ...]] | None = None,
    base_name: str = "",
) -> PlatformImage:
    """The image of a manifest and its config.

    Args:
        parsed: the manifest and the config.
        open_layer: opens a layer by its digest and size.
        packages: the packages in layers, by digest, if they are known.
        base_name: the base image, if it is known.

    Raises:
        ImageError: the config or manifest is malformed.
    """
    document = parsed.document
    created = [str(one.get("created_by", "")) for one in document.get("history") or [] if not one.get("empty_layer")]
    if len(created) != len(parsed.layers):  # nobody knows which are the base's
        created = [f"{_CREATED_BY}layer {number}" for number in range(1, len(parsed.layers) + 1)]
    layers = []
    for described, diff_id, text in zip(parsed.layers, document["rootfs"]["diff_ids"], created, strict=True):
        compression: Compression = "zstd" if described.media_type.endswith("zstd") else "gzip"
        digest, size = described.digest, described.size

        def opened(digest: str = digest, size: int = size) -> BinaryIO:
            return open_layer(digest, size)

        name = text.removeprefix(_CREATED_BY) if text.startswith(_CREATED_BY) else ""
        known = (packages or {}).get(digest)
        layers.append(ImageLayer(name, diff_id, digest, size, compression, opened, known))
    return PlatformImage(
        tuple(one for one in layers if one.name),
        tuple(one.diff_id for one in layers if not one.name),
        document.get("config") or {},
        base_name,
        parsed.manifest.media_type,
    )
