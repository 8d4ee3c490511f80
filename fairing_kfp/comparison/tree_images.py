"""The images that the working tree makes, as `compile` would push them; nothing is pushed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fairing_kfp.builders.bases import Bases
from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.progress import silent
from fairing_kfp.builders.select import DRY_RUN
from fairing_kfp.comparison.image import ComparedImage, ImageLayer, PlatformImage, platform_image
from fairing_kfp.errors import RegistryError
from fairing_kfp.image.assemble import AssembledImage, assemble_index
from fairing_kfp.image.base import Base
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.image import Image
from fairing_kfp.image.reference import Reference
from fairing_kfp.pipeline.publish import lock_of, own_image_recipes, recipes

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.recipe.image_recipe import ImageRecipe
    from fairing_kfp.registry.client import RegistryClient
    from fairing_kfp.settings import Settings

_SHORT = len("sha256:") + 12  # characters of a digest

_APPENDING = ("append", "cluster", "layout")
"""Builders whose digests are known without them: a container engine makes its own."""


@dataclass(frozen=True)
class TreeImages:
    """The images of a pipeline of the working tree.

    Attributes:
        images: the images, by placeholder or by the reference that replaces it.
        references: the references that are known, by placeholder.
        missing: what could not be read, a sentence each.
    """

    images: Mapping[str, ComparedImage]
    references: Mapping[str, str]
    missing: tuple[str, ...] = ()


def tree_images(
    traced: TracedPipeline, settings: Settings, cache: Cache, client: RegistryClient, start: Path | None
) -> TreeImages:
    """Makes the layers of all images, and reads their base images if they can be read.

    Args:
        traced: the pipeline.
        settings: the project's settings.
        cache: the cache of packages and layers.
        client: the client of the registries of base images.
        start: the folder of a notebook or a REPL.

    Raises:
        FairingError: an image cannot be made.
    """
    lock = lock_of(traced, settings, cache, start)
    made = recipes(traced, settings, cache, lock) | own_image_recipes(traced, settings, cache, lock)
    pinned = dict.fromkeys(traced.own_images, settings.own_image or "") if settings.own_image else {}
    repository = Connection(settings, traced.name, cache, silent).repository
    bases, missing = Bases(cache, client), dict[str, None]()
    images: dict[str, ComparedImage] = {}
    references: dict[str, str] = dict(pinned)
    unread: set[Reference | Dockerfile] = set()
    for placeholder, recipe in made.items():
        image, base = _without_base(recipe), recipe.image.images[0].base
        if isinstance(base, Dockerfile):
            missing[f"the base image of {base.path}, which only a container engine builds"] = None
        elif base not in unread:
            try:
                image = _with_base(recipe, bases)
            except RegistryError as error:
                missing[f"{error.message} ({error.remedy})"] = None
                unread.add(base)
        builder = next((one for one in (recipe.builder, settings.builder) if one not in (None, DRY_RUN)), "append")
        if image.digest and str(builder).partition(":")[0] in _APPENDING:
            references[placeholder] = f"{repository}@{image.digest}"
        images[references.get(placeholder, placeholder)] = image
    return TreeImages(images, references, tuple(missing))


def _with_base(recipe: ImageRecipe, bases: Bases) -> ComparedImage:
    repository = bases.repository(recipe.image)
    index = assemble_index(recipe.image, lambda one: bases.of(one, repository))
    return ComparedImage(index.digest, dict(_assembled(one, recipe) for one in index.images))


def _assembled(image: AssembledImage, recipe: ImageRecipe) -> tuple[str, PlatformImage]:
    own = {layer.digest: layer.open for layer in image.layers}

    def opened(digest: str, size: int) -> BinaryIO:
        return own[digest]()

    parsed = Base(image.base.reference, image.manifest, image.config)
    made = platform_image(parsed, opened, recipe.packages_by_layer, _base_name(recipe.image.images[0]))
    return str(parsed.platform), made


def _without_base(recipe: ImageRecipe) -> ComparedImage:
    """The image as far as it is known without its base."""
    return ComparedImage("", {str(one.platform): _own_layers(one, recipe) for one in recipe.image.images})


def _own_layers(image: Image, recipe: ImageRecipe) -> PlatformImage:
    layers = (
        ImageLayer(
            one.name,
            one.diff_id,
            one.digest,
            one.size,
            one.compression,
            partial(one.open),
            recipe.packages_by_layer.get(one.digest),
        )
        for one in image.layers
    )
    return PlatformImage(tuple(layers), (), {}, _base_name(image))


def _base_name(image: Image) -> str:
    """The base image as its author names it, its digest shortened."""
    if not isinstance(image.base, Reference):
        return str(image.base.path)
    digest = f"@{image.base.digest[:_SHORT]}" if image.base.digest else ""
    return f"{str(image.base).partition('@')[0]}{digest}"
