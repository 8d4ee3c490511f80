"""The builder that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.build.builder import Builder
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.progress import Progress
    from fairing_kfp.settings import Settings

_LAYOUT = "layout:"


def choose_builder(settings: Settings, pipeline: str, cache: Cache, progress: Progress | None) -> Builder:
    """Makes the builder that `builder` names: `append`, or `layout:FOLDER`.

    Args:
        settings: where images go.
        pipeline: its name stands in for a project without one.
        cache: on disk.
        progress: is told of blobs as they move.

    Raises:
        ConfigError: there is no such builder, or no registry is known.
    """
    from fairing_kfp.build.progress import silent
    from fairing_kfp.registry.client import RegistryClient

    client = RegistryClient(insecure=settings.insecure)
    if settings.builder == "append":
        from fairing_kfp.build.append import AppendBuilder

        return AppendBuilder(settings.repository(pipeline), cache=cache, client=client, progress=progress or silent)
    if settings.builder.startswith(_LAYOUT) and settings.builder != _LAYOUT:
        from fairing_kfp.build.layout import LayoutBuilder

        return LayoutBuilder(
            Path(settings.builder.removeprefix(_LAYOUT)), cache=cache, client=client, progress=progress or silent
        )
    raise ConfigError(f"there is no builder {settings.builder!r}", "use append, or layout:FOLDER")
