"""Attaches SBOMs and provenance to images that were published from recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.attestation.attest import make_artifacts, missing
from fairing_kfp.attestation.provenance import Build
from fairing_kfp.attestation.sbom import check_library, source_date
from fairing_kfp.attestation.source import SourceTree
from fairing_kfp.builders.bases import Bases
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.assemble import assemble_index
from fairing_kfp.image.reference import Reference
from fairing_kfp.recipe.contents import contents_of
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.referrers import Referrers
from fairing_kfp.registry.repository import Repository

if TYPE_CHECKING:
    from types import TracebackType

    from fairing_kfp.builders.builder import Connection
    from fairing_kfp.recipe.image_recipe import ImageRecipe
    from fairing_kfp.settings import Settings

_BUILDER = "append"


def check_attest(settings: Settings, recipes: Iterable[ImageRecipe]) -> None:
    """Checks, before anything is published, that images can be attested.

    Raises:
        ConfigError: an image has another builder than `append`, or SOURCE_DATE_EPOCH is malformed.
        UnavailableError: the library that writes SBOMs is not installed.
    """
    check_library()
    source_date()
    for recipe in recipes:
        named = (recipe.builder, settings.builder)
        builder = next((one for one in named if one not in (None, "dry-run")), _BUILDER)
        if builder != _BUILDER:
            raise ConfigError(
                f"attest = true needs the builder {_BUILDER}, but {recipe.name} has {builder}",
                f"use the builder {_BUILDER}, or leave attest out",
            )


class Attester:
    """Attests the images of one pipeline. Thread-safe.

    Args:
        connection: the settings, the cache and the progress.
        folder: the folder in whose git repository the sources are.
    """

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._cache = connection.cache
        self._client = connection.client()
        self._bases = Bases(self._cache, self._client)
        self._tree = SourceTree.of(folder)

    def __enter__(self) -> Attester:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes all connections."""
        self._client.close()

    def attest(self, recipe: ImageRecipe, published: str, parameters: Mapping[str, Any]) -> bool:
        """Attaches SBOM and provenance to an image, unless it has both.

        Args:
            recipe: the image's recipe.
            published: its reference by digest.
            parameters: what its author chose, for the provenance.

        Returns:
            Whether something was attached.

        Raises:
            ConfigError: the base image changed since the image was published.
            DependencyError: a package whose license is not known yet cannot be fetched.
            RegistryError: the registry rejects the artifacts.
        """
        reference = Reference.parse(published)
        access = frozenset({push(reference.repository)})
        referrers = Referrers(Repository(self._client, reference.registry, reference.repository, access))
        # The image of a model, or our own, is not made of the working tree.
        tree = self._tree if recipe.bundle.files else SourceTree()
        types = missing(referrers.of(reference.wanted), tree)
        if not types:
            return False
        source = self._bases.repository(recipe.image)
        index = assemble_index(recipe.image, lambda one: self._bases.of(one, source))
        if index.digest != reference.digest:
            raise ConfigError(
                f"{recipe.name} cannot be attested: its base image {source.name} changed while it was published",
                "run it again, or lock the base image with fairing-kfp lock",
            )
        build, contents = Build(parameters, tree), contents_of(recipe, self._cache)
        referrers.attach(index.manifest.descriptor, make_artifacts(types, reference, index, contents, build))
        return True
