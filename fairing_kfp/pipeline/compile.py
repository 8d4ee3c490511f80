"""`compile`: publishes the images of a pipeline and writes its YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.atomic_file import check_writable, write_atomic
from fairing_kfp.builders.progress import status_of
from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.default import transfer_display
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.backend_limits import backend_warnings
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.publish import check_all, lock_of, own_image_recipes, publish_all, recipes
from fairing_kfp.pipeline.secret_gate import check_pipeline
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock


@dataclass(frozen=True, repr=False)
class Compiled:
    """A compiled pipeline.

    Attributes:
        text: the pipeline (YAML), with images by digest.
        images: images by component, by digest.
        warnings: warnings for the author.
        planned: components whose images were only planned, by the builder `dry-run`; with any, the YAML cannot run.
        lock: the lock file if it was changed; else None.
        attested: components whose images got an SBOM or provenance.
    """

    text: str
    images: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    lock: Path | None = None
    attested: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The components with images, and the number of warnings, in one line."""
        warnings = f"; warnings: {len(self.warnings)}" if self.warnings else ""
        return f"<Compiled: images of {', '.join(self.images) or 'no components'}{warnings}>"

    def _repr_html_(self) -> str:
        from fairing_kfp.pipeline.images_html import compiled_html

        return compiled_html(self.text, self.images, self.warnings, self.planned, self.lock)


@lists_options(SettingOptions, described_by=Settings)
def compile(
    pipeline: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Unpack[SettingOptions],
) -> Compiled:
    """Publishes the images of a pipeline, and compiles it to YAML with images by digest.

    All images are checked against their base images before the first is published.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
        output: YAML file to write; None writes none. None is written either if the builder of a component is `dry-run`.
        builder: builder of components that set none; an object, or a name: `append` (the default), `cluster`,
            `layout:FOLDER`, `docker`, `podman`, or `dry-run`, which publishes nothing.
        cache: cache on disk; the user's by default.
        progress: called with blobs as they are sent, such as `fairing_kfp.display.TransferProgress`; by default a
            display in notebooks, and nothing elsewhere.
        settings: fields of `fairing_kfp.Settings`, and `start`, the folder with pyproject.toml; the current folder by
            default.

    Raises:
        SecretError: a file, a value or the YAML seems to contain a credential. Nothing was published.
        PipelineError: the object is not a pipeline, or its YAML cannot be read again.
        ConfigError: the YAML cannot be written to `output`. Nothing was published.
        FairingError: an image cannot be made or published. No YAML is written.
    """
    check_call("compile", pipeline, settings, output=output, progress=progress)
    with (
        transfer_display(progress) as shown,
        Compilation.prepare(pipeline, builder=builder, cache=cache, progress=shown, **settings) as compilation,
    ):
        compilation.check(output)
        return compilation.publish(output)


@dataclass(frozen=True)
class Compilation:
    """A pipeline whose images are packed, and not yet published; a context manager.

    Attributes:
        traced: the pipeline.
        settings: its settings.
        images: the recipes of its images, by placeholder.
        builders: their builders, which are closed at the end.
        pipeline_lock: the lock of its packages and base images, if it has any.
        start: the folder with pyproject.toml.
    """

    traced: TracedPipeline
    settings: Settings
    images: Mapping[str, ImageRecipe]
    builders: Builders
    pipeline_lock: PipelineLock | None
    start: Path | None

    @classmethod
    def prepare(
        cls,
        pipeline: Any,
        *,
        builder: Builder | str | None = None,
        cache: Cache | None = None,
        progress: Progress | None = None,
        **settings: Unpack[SettingOptions],
    ) -> Compilation:
        """Packs the images of a pipeline; arguments and errors as for `compile`. Nothing is sent or written."""
        name, default = (builder, None) if isinstance(builder, str) else (None, builder)
        chosen = Settings.load(builder=name, **settings)
        traced = trace(pipeline).for_cluster(chosen)
        cache = cache or Cache(on_miss=status_of(progress))
        pipeline_lock = lock_of(traced, chosen, cache, settings.get("start"))
        images = recipes(traced, chosen, cache, pipeline_lock)
        images |= own_image_recipes(traced, chosen, cache, pipeline_lock)
        check_pipeline(traced, chosen.allow_secrets, [recipe.bundle for recipe in images.values()])
        if chosen.attest:
            from fairing_kfp.recipe.attest import check_attest

            check_attest(chosen, images.values())
        builders = Builders(chosen, traced.name, cache, progress, default)
        return cls(traced, chosen, images, builders, pipeline_lock, settings.get("start"))

    def __enter__(self) -> Compilation:
        """Returns the compilation."""
        return self

    def __exit__(self, *error: Any) -> None:
        """Closes the builders."""
        self.builders.__exit__(*error)

    def check(self, output: str | os.PathLike[str] | None = None) -> None:
        """Writes the lock file, and checks all images against their base images, and the builders. Sends nothing.

        Args:
            output: the YAML file that will be written.
        """
        if output is not None:
            check_writable(Path(output))
        if self.pipeline_lock and (warning := self.pipeline_lock.save()):
            self.pipeline_lock.notes[warning] = None
        check_all(self.images, self.builders)

    def publish(self, output: str | os.PathLike[str] | None = None) -> Compiled:
        """Publishes the images, and writes the YAML, if its path is given and the images are not only planned."""
        references = publish_all(self.images, self.builders)
        only_planned = {image for image, one in self.images.items() if self.builders.only_plans(one.builder)}
        attested: tuple[str, ...] = ()
        if self.settings.attest:
            from fairing_kfp.pipeline.attest import attest_all

            pushed = {image: one for image, one in self.images.items() if image not in only_planned}
            attested = attest_all(self.traced, pushed, references, self.builders.connection, self.start)
        pinned = dict.fromkeys(self.traced.own_images, self.settings.own_image or "")
        warnings = [warning for recipe in self.images.values() for warning in recipe.bundle.warnings]
        warnings += self.pipeline_lock.notes if self.pipeline_lock else ()
        compiled = Compiled(
            self.traced.text(pinned | references),
            {recipe.name: references[placeholder] for placeholder, recipe in self.images.items()},
            (*warnings, *backend_warnings(self.traced.specification)),
            tuple(recipe.name for image, recipe in self.images.items() if image in only_planned),
            self.pipeline_lock.path if self.pipeline_lock and self.pipeline_lock.written else None,
            attested,
        )
        self.traced.specification.check_text(compiled.text)
        if output is not None and not only_planned:
            write_atomic(Path(output), compiled.text)
        return compiled
