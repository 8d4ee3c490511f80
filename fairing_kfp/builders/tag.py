"""Tags of images, made from a template."""

from __future__ import annotations

import re

from fairing_kfp.errors import ConfigError, ImageError
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.reference import MAX_TAG, is_tag

DEFAULT = "{name}-{digest}"
"""The default template: the image's name, and 12 digits of its digest."""

_DIGITS = 12


class Tags:
    """The tags of one builder's images; no two components may have the same tag.

    Args:
        template: the template of images that have none, such as `{name}-v1`; None for the default.
    """

    def __init__(self, template: str | None) -> None:
        self._template = template
        self._owners: dict[str, tuple[str, str]] = {}

    def of(self, image: AnyImage, digest: str) -> str:
        """The tag of an image; see `tag_of`.

        Raises:
            ConfigError: the template does not give a valid tag.
            ImageError: another component has the tag.
        """
        tag = tag_of(image, digest, self._template)
        owner, owned = self._owners.setdefault(tag, (image.name, digest))
        if image.name != owner and digest != owned:
            raise ImageError(
                f"the tag {tag!r} of {image.name} is already used by {owner}",
                "add the name to the template, as in tag='{name}-v1'",
            )
        return tag

    def guess(self, image: AnyImage, digest: str) -> str:
        """The tag of an image that may not be published, which it does not take from others."""
        return tag_of(image, digest, self._template)


def tag_of(image: AnyImage, digest: str, template: str | None) -> str:
    """The tag of an image.

    Args:
        image: its name replaces `{name}`; its own template overrides the given one.
        digest: its first digits replace `{digest}`.
        template: such as `{name}-v1`; None for the default.

    Raises:
        ConfigError: the template does not give a valid tag.
    """
    digits = digest.partition(":")[2][:_DIGITS]
    filled = (image.tag or template or DEFAULT).replace("{digest}", digits)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", image.name).lstrip(".-") or "image"
    # A long name is shortened, but not the digits that distinguish images.
    tag = filled.replace("{name}", name[: MAX_TAG - len(filled.replace("{name}", ""))])
    if not is_tag(tag):
        raise ConfigError(
            f"the tag {tag!r} of {image.name} is invalid",
            f"use at most {MAX_TAG} letters, digits, '_', '.' and '-'",
        )
    return tag
