"""Publishing a single image, and attesting it if the settings say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.select import Builders
    from fairing_kfp.recipe.image_recipe import ImageRecipe


def publish_recipe(recipe: ImageRecipe, builder: Builder, builders: Builders) -> str:
    """Publishes an image; with the setting `attest`, attaches its SBOM and provenance.

    Args:
        recipe: the image's recipe.
        builder: the builder that publishes it.
        builders: the builders of the settings.

    Returns:
        The image's reference by digest.

    Raises:
        FairingError: the image cannot be made, published or attested.
    """
    settings = builders.connection.settings
    if not settings.attest:
        return builder.publish(recipe.image)
    from fairing_kfp.recipe.attest import Attester, check_attest

    check_attest(settings, [recipe])
    reference = builder.publish(recipe.image)
    if not builders.only_plans():
        with Attester(builders.connection, Path.cwd()) as attester:
            attester.attest(recipe, reference, {"base": str(recipe.image.images[0].base)})
    return reference
