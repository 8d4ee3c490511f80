"""One image for several platforms, as a recipe: an image for each, under one name."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.errors import PlatformError
from fairing_kfp.image.image import Image
from fairing_kfp.image.platform import Platform


@dataclass(frozen=True)
class MultiImage:
    """Images that differ by their platforms, and by what their platforms make differ.

    Attributes:
        images: one for each platform, by the platforms' names, so that an order does not show in the digest.
    """

    images: tuple[Image, ...]

    def __post_init__(self) -> None:
        """Brings the images into their order.

        Raises:
            PlatformError: two are for one platform, or there is none.
        """
        images = tuple(sorted(self.images, key=lambda image: str(image.platform)))
        platforms = [str(image.platform) for image in images]
        if not images or len(set(platforms)) != len(images):
            raise PlatformError(f"an image for {', '.join(platforms) or 'no platform'}", "name each platform once")
        if len({image.base for image in images}) > 1:
            raise PlatformError(f"the platforms of {images[0].name} have several bases", "use one of many platforms")
        object.__setattr__(self, "images", images)

    @property
    def name(self) -> str:
        """The component's name."""
        return self.images[0].name

    @property
    def tag(self) -> str | None:
        """The tag of the index; the images behind it have none."""
        return self.images[0].tag

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms, in their order."""
        return tuple(image.platform for image in self.images)


Recipe = Image | MultiImage
"""What builders take: an image for one platform becomes a manifest, one for several an index."""


def single(recipe: Recipe, builder: str) -> Image:
    """The image, for a builder that makes images of one platform.

    Args:
        recipe: what it was given.
        builder: its name, for the message.

    Raises:
        PlatformError: it is an image for several platforms.
    """
    if isinstance(recipe, MultiImage):
        raise PlatformError(
            f"the builder {builder} makes images for one platform, and {recipe.name} is for "
            f"{', '.join(map(str, recipe.platforms))}",
            "name one platform, or let the builder append make it",
        )
    return recipe
