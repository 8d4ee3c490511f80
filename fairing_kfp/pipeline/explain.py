"""`explain`: describes the images of a pipeline, and what compiling would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairing_kfp.builders.select import Builders, needs_registry
from fairing_kfp.cache.store import Cache
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.publish import lock_of, own_image_recipes, recipes, run_parallel
from fairing_kfp.pipeline.secret_gate import check_pipeline
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.settings import BuilderSettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder, Plan
    from fairing_kfp.preprocess.secrets.finding import Finding
    from fairing_kfp.recipe.image_recipe import ImageRecipe


@dataclass(frozen=True, repr=False)
class Explained:
    """An image and what publishing it would do.

    Attributes:
        recipe: its files, layers and locked packages.
        plan: the builder's plan; None without a registry.
        allowed: what looks like a credential in its code, and is allowed.
        allowed_in_pipeline: the same in the pipeline's YAML.
    """

    recipe: ImageRecipe
    plan: Plan | None
    allowed: tuple[Finding, ...] = ()
    allowed_in_pipeline: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        """The component, and the image's reference if it is known, in one line."""
        return f"<Explained {self.recipe.name}" + (f": {self.plan.reference}>" if self.plan else ">")

    def _repr_html_(self) -> str:
        from fairing_kfp.pipeline.images_html import images_html

        return images_html([(self.recipe, self.plan)])


class ExplainedImages(list[Explained]):
    """The images of a pipeline: a list, which notebooks display with what the images share."""

    def _repr_html_(self) -> str:
        from fairing_kfp.pipeline.images_html import images_html

        return images_html([(one.recipe, one.plan) for one in self])


@lists_options(BuilderSettingOptions, described_by=Settings)
def explain(pipeline: Any, *, cache: Cache | None = None, **settings: Unpack[BuilderSettingOptions]) -> ExplainedImages:
    """Describes the images of a pipeline, and what compiling would send. Sends nothing.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
        cache: cache on disk; the user's by default.
        settings: as for `compile`; without a registry there is no plan.

    Raises:
        SecretError: a file, a value or the YAML seems to contain a credential that is not allowed.
        FairingError: an image cannot be made.
    """
    check_call("explain", pipeline, settings)
    chosen, traced, cache = Settings.load(**settings), trace(pipeline), cache or Cache()
    pipeline_lock = lock_of(traced, chosen, cache, settings.get("start"))
    images = recipes(traced, chosen, cache, pipeline_lock)
    images |= own_image_recipes(traced, chosen, cache, pipeline_lock)
    in_pipeline = check_pipeline(traced, chosen.allow_secrets, [recipe.bundle for recipe in images.values()])
    with Builders(chosen, traced.name, cache) as builders:
        # Builders are created in this thread, where they can handle signals.
        planned = [
            (recipe, builders.of(recipe.builder))
            if chosen.registry or not needs_registry(recipe.builder or chosen.builder)
            else (recipe, None)
            for recipe in images.values()
        ]

        def explain_image(one: tuple[ImageRecipe, Builder | None]) -> Explained:
            recipe, builder = one
            plan = builder.plan(recipe.image) if builder else None
            return Explained(recipe, plan, recipe.bundle.findings, in_pipeline)

        return ExplainedImages(run_parallel(explain_image, planned))
