"""Two verbs for every way to make an image: say what would be done, and do it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.assemble import Whole
from fairing_kfp.image.multi_image import Recipe
from fairing_kfp.image.reference import LONGEST_TAG, is_tag

TAG = "{name}-{digest}"
"""The tag of an image unless another is given: its name, and 12 digits of its digest."""

_DIGITS = 12

State = Literal["exists", "mount", "send", "write", "pull", "build"]
"""What is to be done for a layer: nothing; name it to a registry that has it elsewhere; send it; write it to disk.

An engine pulls or builds a whole base.
"""


@dataclass(frozen=True)
class PlannedLayer:
    """A layer of an image to be; those of the base are named `base`.

    Attributes:
        platform: of an image for several platforms, the one that it is for; empty when it serves them all.
    """

    name: str
    digest: str
    size: int
    state: State
    platform: str = ""


@dataclass(frozen=True)
class Plan:
    """What publishing an image would do.

    Attributes:
        reference: the image by its digest, as `publish` gives it.
        tag: the tag that it gets, too.
        base: the base image by its digest.
        layers: the lowest first.
        exists: whether it is there already, so that there is nothing to do.
        bytes_to_send: of layers, config and manifest.
        requests: how many a registry would be sent, now that the base is known.
    """

    reference: str
    tag: str
    base: str
    layers: tuple[PlannedLayer, ...]
    exists: bool
    bytes_to_send: int
    requests: int


class Builder(Protocol):
    """Makes images somewhere; safe for threads."""

    def check(self, image: Recipe) -> None:
        """Finds out whether the image can be made upon its base; asks nothing that `publish` would ask again.

        Raises:
            ImageError: the image cannot be made upon its base.
            RegistryError: the base cannot be read.
        """
        ...

    def plan(self, image: Recipe) -> Plan:
        """What publishing this image would do. Reads, and sends nothing.

        Raises:
            ImageError: the image cannot be made upon its base.
            RegistryError: the base, or the place where the image goes, cannot be read.
        """
        ...

    def publish(self, image: Recipe) -> str:
        """Makes the image, and gives its name by digest.

        Raises:
            ImageError: the image cannot be made upon its base.
            RegistryError: the base cannot be read, or the image cannot be sent.
        """
        ...


def platforms_of(whole: Whole) -> dict[str, str]:
    """For each layer by its digest the platforms that need it, or nothing where all do."""
    needed: dict[str, list[str]] = {}
    for part in whole.parts:
        for digest in {one.digest for one in part.base.layers} | {one.digest for one in part.layers}:
            needed.setdefault(digest, []).append(str(part.base.platform))
    return {digest: "" if len(names) == len(whole.parts) else ", ".join(names) for digest, names in needed.items()}


def tag_of(image: Recipe, digest: str, template: str | None) -> str:
    """The tag of an image.

    Args:
        image: its name fills `{name}`; its own tag, if it has one, goes before the template.
        digest: its first digits fill `{digest}`.
        template: such as `{name}-v1`; None for the usual one.

    Raises:
        ConfigError: the template does not give a tag.
    """
    digits = digest.partition(":")[2][:_DIGITS]
    filled = (image.tag or template or TAG).replace("{digest}", digits)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", image.name).lstrip(".-") or "image"
    # Of a long name the end goes, and not the digits that tell images apart.
    tag = filled.replace("{name}", name[: LONGEST_TAG - len(filled.replace("{name}", ""))])
    if not is_tag(tag):
        raise ConfigError(
            f"the tag {tag!r} of {image.name} is not one that registries take",
            f"use letters, digits, '_', '.' and '-', at most {LONGEST_TAG} of them",
        )
    return tag
