"""Attaches SBOMs and provenance to the published images of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.pipeline.publish import run_parallel
from fairing_kfp.preprocess.source import AUTHORS_PYTHON
from fairing_kfp.recipe.attest import Attester
from fairing_kfp.recipe.defaults import chosen_base

if TYPE_CHECKING:
    from fairing_kfp.builders.builder import Connection
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.recipe.image_recipe import ImageRecipe
    from fairing_kfp.settings import Settings


def attest_all(
    traced: TracedPipeline,
    recipes: Mapping[str, ImageRecipe],
    references: Mapping[str, str],
    connection: Connection,
    start: Path | None = None,
) -> tuple[str, ...]:
    """Attests the published images of a pipeline, in parallel.

    Args:
        traced: the pipeline.
        recipes: its images, by placeholder.
        references: their references by digest.
        connection: the settings, the cache and the progress.
        start: the folder of a pipeline that is defined in a notebook or a REPL; the current one by default.

    Returns:
        The names of the images to which something was attached.

    Raises:
        ConfigError: a base image changed since an image was published.
        DependencyError: a package whose license is not known yet cannot be fetched.
        RegistryError: a registry rejects the artifacts.
    """
    with Attester(connection, traced.folder or start or Path.cwd()) as attester:

        def attest(placeholder: str) -> bool:
            parameters = _parameters(traced, placeholder, connection.settings)
            return attester.attest(recipes[placeholder], references[placeholder], parameters)

        attested = run_parallel(attest, recipes)
    return tuple(recipe.name for recipe, done in zip(recipes.values(), attested, strict=True) if done)


def _parameters(traced: TracedPipeline, placeholder: str, settings: Settings) -> dict[str, Any]:
    """What the author chose for an image; paths of this machine are left out."""
    source = traced.sources.get(placeholder)
    folder = source.code.folder if source else Path.cwd()
    parameters = {
        "pipeline": traced.name,
        "entry": ", ".join(Path(file).name for file in traced.files if traced.folder),
        "base": str(chosen_base(settings, AUTHORS_PYTHON, folder, source.base_image if source else None)),
        "compression": settings.compression,
    }
    if source is None:
        return parameters
    packages = source.packages
    if isinstance(packages, str) and Path(packages).is_absolute():
        packages = Path(packages).name
    return {
        **parameters,
        "component": source.name,
        "packages": packages if isinstance(packages, str) else list(packages),
        "platforms": list(source.platforms or settings.platforms),
    }
