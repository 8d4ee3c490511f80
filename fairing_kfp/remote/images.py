"""Whether a cluster can pull the images of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairing_kfp.builders.select import DRY_RUN, builder_type
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.settings import Settings


def check_builders(traced: TracedPipeline, settings: Settings) -> None:
    """Checks that the builders of a pipeline push to a registry.

    Raises:
        ConfigError: a builder only plans, or keeps images on this machine.
    """
    for name in dict.fromkeys((settings.builder, *(source.builder for source in traced.sources.values()))):
        if name is None:
            continue
        kind = None if name == DRY_RUN else builder_type(name)[0]
        if kind is None or kind.argument or (kind.runs_here and not kind.needs_registry and not settings.registry):
            raise ConfigError(
                f"the builder {name} does not push images to a registry, so no cluster can pull them",
                "use the builder append, or docker or podman with --registry",
            )
