"""`compile`: publishes the images of a pipeline and writes its YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.atomic_file import write_atomic
from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.default import transfer_display
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.backend_limits import backend_warnings
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.publish import lock_of, own_image_recipes, publish_all, recipes
from fairing_kfp.pipeline.secret_gate import check_pipeline
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress


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
        FairingError: an image cannot be made or published. No YAML is written.
    """
    check_call("compile", pipeline, settings, output=output, progress=progress)
    name, default = (builder, None) if isinstance(builder, str) else (None, builder)
    chosen = Settings.load(builder=name, **settings)
    with transfer_display(progress) as shown:
        traced = trace(pipeline).for_cluster(chosen)
        cache = cache or Cache()
        pipeline_lock = lock_of(traced, chosen, cache, settings.get("start"))
        images = recipes(traced, chosen, cache, pipeline_lock)
        images |= own_image_recipes(traced, chosen, cache, pipeline_lock)
        check_pipeline(traced, chosen.allow_secrets, [recipe.bundle for recipe in images.values()])
        if chosen.attest:
            from fairing_kfp.recipe.attest import check_attest

            check_attest(chosen, images.values())
        lock_warning = pipeline_lock.save() if pipeline_lock else ""
        with Builders(chosen, traced.name, cache, shown, default) as builders:
            references = publish_all(images, builders)
            planned = tuple(recipe.name for recipe in images.values() if builders.only_plans(recipe.builder))
            attested: tuple[str, ...] = ()
            if chosen.attest:
                from fairing_kfp.pipeline.attest import attest_all

                pushed = {image: one for image, one in images.items() if not builders.only_plans(one.builder)}
                attested = attest_all(traced, pushed, references, builders.connection, settings.get("start"))
    pinned = dict.fromkeys(traced.own_images, chosen.own_image or "")
    warnings = [warning for recipe in images.values() for warning in recipe.bundle.warnings]
    warnings += pipeline_lock.notes if pipeline_lock else ()
    compiled = Compiled(
        traced.text(pinned | references),
        {recipe.name: references[placeholder] for placeholder, recipe in images.items()},
        (*warnings, *backend_warnings(traced.specification), *filter(None, [lock_warning])),
        planned,
        pipeline_lock.path if pipeline_lock and pipeline_lock.written else None,
        attested,
    )
    traced.specification.check_text(compiled.text)
    if output is not None and not planned:
        write_atomic(Path(output), compiled.text)
    return compiled
