"""Images for jobs and servers that are made directly in a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.pipeline.lock_place import lock_path
from fairing_kfp.pipeline.publish import check_all, publish_all, recipes
from fairing_kfp.pipeline.secret_gate import check_pipeline
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from fairing_kfp.remote.images import check_builders
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification


@dataclass(frozen=True)
class Published:
    """A pipeline whose images are published.

    Attributes:
        specification: the pipeline; placeholders stand for its images.
        images: images by digest, by placeholder.
    """

    specification: Specification
    images: Mapping[str, str]


def publish(pipeline: Any, settings: Mapping[str, Any], *, pulled: bool = True) -> Published:
    """Publishes the images of a pipeline's components and predictors; our own image is not needed.

    Args:
        pipeline: a KFP pipeline or component.
        settings: settings of the project.
        pulled: whether a cluster must be able to pull the images.

    Raises:
        ConfigError: the builder does not push to a registry, or a setting is missing.
        SecretError: the code or the pipeline seems to contain a credential.
        FairingError: an image cannot be made or published.
    """
    chosen = Settings.load(**settings)
    traced = trace(pipeline).for_cluster(chosen)
    if pulled:
        check_builders(traced, chosen)
    return Published(traced.specification, _publish(traced, chosen))


def _publish(traced: TracedPipeline, settings: Settings) -> dict[str, str]:
    from fairing_kfp.display import TransferProgress, console

    cache = Cache()
    lock = PipelineLock(cache, lock_path(traced.folder, settings), traced.name)
    made = recipes(traced, settings, cache, lock)
    check_pipeline(traced, settings.allow_secrets, [recipe.bundle for recipe in made.values()])
    lock.save()
    with TransferProgress(console()) as progress, Builders(settings, traced.name, cache, progress) as builders:
        check_all(made, builders)
        return publish_all(made, builders)
