"""Images as recipes: a base and layers. Builders resolve the base and make the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from fairing_kfp.errors import PlatformError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.layer import Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference


@dataclass(frozen=True)
class Image:
    """An image for one platform.

    Attributes:
        name: the component's name, for messages and tags.
        base: the base image, or a Dockerfile that builds it.
        layers: the layers on top of the base, lowest first.
        platform: the platform of the base to use.
        python_version: the author's Python, as major and minor version; the base must have the same. None for an
            image without Python code.
        declared_python: the base's Python according to the user, for a base that does not set `PYTHON_VERSION`.
        env: environment variables, merged into the base's.
        labels: labels of the config, merged into the base's.
        user: the default user, such as `65532`; None for the base's.
        command: the default command; None for the base's.
        working_folder: the folder in which commands start; None for the base's.
        tag: template of the tag, with the placeholders `{name}` and `{digest}`; None for the builder's template.
    """

    name: str
    base: Reference | Dockerfile
    layers: tuple[Layer, ...]
    platform: Platform
    python_version: tuple[int, int] | None
    declared_python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    user: str | None = None
    command: tuple[str, ...] | None = None
    working_folder: str | None = None
    tag: str | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """The image itself, as for `MultiPlatformImage`."""
        return (self,)


@dataclass(frozen=True)
class MultiPlatformImage:
    """An image for several platforms.

    Attributes:
        images: one per platform, sorted by platform, so that the given order does not change the digest.
    """

    images: tuple[Image, ...]

    def __post_init__(self) -> None:
        """Sorts the images.

        Raises:
            PlatformError: there are no images, or two have the same platform, or their bases differ.
        """
        images = tuple(sorted(self.images, key=lambda image: str(image.platform)))
        if not images:
            raise PlatformError("an image has no platform", "choose at least one")
        platforms = [str(image.platform) for image in images]
        if len(set(platforms)) != len(images):
            raise PlatformError(
                f"{images[0].name} has a platform more than once: {', '.join(platforms)}", "list each platform once"
            )
        if len({image.base for image in images}) > 1:
            raise PlatformError(f"the platforms of {images[0].name} have different bases", "use one base for all")
        object.__setattr__(self, "images", images)

    @property
    def name(self) -> str:
        """The component's name."""
        return self.images[0].name

    @property
    def tag(self) -> str | None:
        """Template of the index's tag; its manifests are not tagged."""
        return self.images[0].tag

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms, sorted."""
        return tuple(image.platform for image in self.images)


AnyImage = Image | MultiPlatformImage
"""What builders make: a manifest for one platform, an index for several."""


def combine(images: Sequence[Image]) -> AnyImage:
    """The image for one platform or several.

    Args:
        images: the image for each platform.

    Raises:
        PlatformError: as for `MultiPlatformImage`.
    """
    return images[0] if len(images) == 1 else MultiPlatformImage(tuple(images))


def require_single_platform(image: AnyImage, builder: str) -> Image:
    """The image, for a builder that only makes images for one platform.

    Args:
        image: the image.
        builder: the builder's name, for the message.

    Raises:
        PlatformError: the image is for several platforms.
    """
    if isinstance(image, MultiPlatformImage):
        raise PlatformError(
            f"the builder {builder} makes images for one platform, but {image.name} is for "
            f"{', '.join(map(str, image.platforms))}",
            "choose one platform, or the builder append",
        )
    return image
