"""The images of a pipeline: their recipes, and their publication in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from fairing_kfp.builders.threads import Threads
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.reference import Reference
from fairing_kfp.pipeline.lock_place import lock_path
from fairing_kfp.preprocess.source import OWN_IMAGES
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.recipe.image_recipe import ImageRecipe

if TYPE_CHECKING:
    from pathlib import Path

    from fairing_kfp.builders.select import Builders
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.settings import Settings

_T = TypeVar("_T")
_U = TypeVar("_U")

_CONCURRENCY = 8


def lock_of(traced: TracedPipeline, settings: Settings, cache: Cache, start: Path | None) -> PipelineLock | None:
    """The lock of a pipeline's packages and bases; None without packages and file, so that no resolver is imported.

    Args:
        traced: the pipeline.
        settings: the project's settings.
        cache: the cache of resolved locks.
        start: folder for a notebook or a REPL.

    Raises:
        LockError: the lock file is damaged.
    """
    path = lock_path(traced.folder, settings, start)
    if not (any(source.packages for source in traced.sources.values()) or settings.locked or path.exists()):
        return None
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock

    return PipelineLock(cache, path, traced.name, locked=settings.locked)


def recipes(
    traced: TracedPipeline, settings: Settings, cache: Cache, pipeline_lock: PipelineLock | None
) -> dict[str, ImageRecipe]:
    """The image recipes of all components, by placeholder.

    Raises:
        FairingError: an image cannot be made.
    """
    return {image: component_recipe(source, settings, cache, pipeline_lock) for image, source in traced.sources.items()}


def own_image_recipes(
    traced: TracedPipeline, settings: Settings, cache: Cache, pipeline_lock: PipelineLock | None = None
) -> dict[str, ImageRecipe]:
    """The recipes of our own images that the pipeline's steps run in, by placeholder; none if the settings pin one.

    Raises:
        ConfigError: the pinned image has no digest.
        DependencyError: its packages cannot be fetched.
    """
    if traced.own_images and settings.own_image:
        if not Reference.parse(settings.own_image).digest:
            raise ConfigError(
                f"own_image={settings.own_image!r} has no digest", "copy it from the output of `components publish`"
            )
        return {}
    if not traced.own_images:
        return {}
    from fairing_kfp.recipe.own_image import own_image

    return {image: own_image(settings, cache, OWN_IMAGES[image], pipeline_lock) for image in traced.own_images}


def check_all(recipes: Mapping[str, ImageRecipe], builders: Builders) -> None:
    """Checks all images against their base images, in parallel.

    Raises:
        FairingError: a builder lacks a setting, or an image cannot be made.
    """
    # All builders are created first, so that a missing setting is reported at once.
    images = [(builders.of(recipe.builder), recipe.image) for recipe in recipes.values()]
    run_parallel(lambda one: one[0].check(one[1]), images)


def publish_all(recipes: Mapping[str, ImageRecipe], builders: Builders) -> dict[str, str]:
    """Publishes images that were checked, in parallel.

    Returns:
        The references by digest, by placeholder.

    Raises:
        FairingError: an image cannot be published.
    """
    images = [(builders.of(recipe.builder), recipe.image) for recipe in recipes.values()]
    return dict(zip(recipes, run_parallel(lambda one: one[0].publish(one[1]), images), strict=True))


def run_parallel(act: Callable[[_T], _U], items: Iterable[_T]) -> list[_U]:
    """Calls a function for all items in threads, and returns its results. Ctrl-C cancels transfers with registries."""
    threads = Threads(_CONCURRENCY, "fairing-kfp")
    try:
        return threads.map(act, items)
    except KeyboardInterrupt:
        from fairing_kfp.registry.stop import stop_all

        stop_all()
        raise
    finally:
        threads.drop()  # after an error, what has not begun
        threads.close()
