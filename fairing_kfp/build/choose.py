"""The builders that settings and components name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.build.once import Once
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from types import TracebackType

    from fairing_kfp.build.builder import Builder
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.engine import Engine
    from fairing_kfp.build.progress import Progress
    from fairing_kfp.registry.client import RegistryClient
    from fairing_kfp.settings import Settings

APPEND = "append"
DRY_RUN = "dry-run"
LAYOUT = "layout:"


class Builders:
    """The builders of one pipeline, each made when it is first asked for, and once.

    Args:
        settings: where images go, and the builder of components that name none.
        pipeline: its name stands in for a project without one.
        cache: on disk.
        progress: is told of blobs as they move.
        default: a builder of the caller's own, for components that name none; it is not closed.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: str,
        cache: Cache,
        progress: Progress | None = None,
        default: Builder | None = None,
    ) -> None:
        from fairing_kfp.build.progress import silent

        self._settings = settings
        self._pipeline = pipeline
        self._cache = cache
        self._progress = progress or silent
        self._default = default
        self._made: Once[Builder] = Once()
        self._closing: list[Builder] = []

    def of(self, name: str | None = None) -> Builder:
        """The builder of a component.

        Args:
            name: what the component says: `append`, `layout:FOLDER`, `docker`, `podman`, `dry-run`, or nothing. When
                the settings say `dry-run`, it is planned what that builder would do.

        Raises:
            ConfigError: there is no such builder, or it lacks something, such as a registry.
        """
        if name is None and self._default is not None:
            return self._default
        dry = DRY_RUN in (name, self._settings.builder)
        wanted = next((one for one in (name, self._settings.builder) if one not in (None, DRY_RUN)), None)
        wanted = APPEND if wanted is None else wanted
        builder = self._made.get(wanted, partial(self._make, wanted))
        return self._made.get((DRY_RUN, wanted), partial(_planning, builder)) if dry else builder

    def __enter__(self) -> Builders:
        """Makes nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the threads and connections of the builders that were made."""
        for builder in self._closing:
            getattr(builder, "close", lambda: None)()

    def _make(self, name: str) -> Builder:
        settings, progress = self._settings, self._progress
        builder: Builder
        if name == APPEND:
            from fairing_kfp.build.append import AppendBuilder

            repository = settings.repository(self._pipeline)
            builder = AppendBuilder(repository, cache=self._cache, client=self._client(), progress=progress)
        elif name.startswith(LAYOUT) and name != LAYOUT:
            from fairing_kfp.build.layout import LayoutBuilder

            folder = Path(name.removeprefix(LAYOUT))
            builder = LayoutBuilder(folder, cache=self._cache, client=self._client(), progress=progress)
        elif name == "docker":
            from fairing_kfp.build.engine import connect

            builder = self._in_engine(connect("the docker builder"))
        elif name == "podman":
            from fairing_kfp.build.podman import connect_podman

            builder = self._in_engine(connect_podman())
        else:
            raise ConfigError(f"there is no builder {name!r}", "use append, layout:FOLDER, docker, podman or dry-run")
        self._closing.append(builder)
        return builder

    def _client(self) -> RegistryClient:
        from fairing_kfp.registry.client import RegistryClient
        from fairing_kfp.registry.tls import Tls

        settings = self._settings
        return RegistryClient(insecure=settings.insecure, tls=Tls(settings.ca, settings.client_cert))

    def _in_engine(self, engine: Engine) -> Builder:
        from fairing_kfp.build.docker import DockerBuilder

        pushed = self._settings.registry is not None
        target = (
            self._settings.repository(self._pipeline) if pushed else f"localhost/{self._settings.name(self._pipeline)}"
        )
        return DockerBuilder(target, engine=engine, push=pushed, progress=self._progress)


def _planning(builder: Builder) -> Builder:
    from fairing_kfp.build.dry_run import DryRunBuilder

    return DryRunBuilder(builder)
