"""Selection of builders by name. Each builder is one module with a `connect` function, and one row of `TYPES`."""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING

from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass

if TYPE_CHECKING:
    from types import TracebackType

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.settings import Settings

DRY_RUN = "dry-run"
"""Name of a builder that only plans; the plans are those of the builder that is selected otherwise."""


@dataclass(frozen=True)
class BuilderType:
    """A builder that settings and components can name.

    Attributes:
        name: its name.
        module: the module with its `connect` function.
        needs_registry: whether it needs the setting `registry`.
        runs_here: whether the docker runner can run its images.
        argument: metavariable of its argument, as in `layout:FOLDER`; empty if it has none.
    """

    name: str
    module: str
    needs_registry: bool
    runs_here: bool
    argument: str = ""

    def __str__(self) -> str:
        """`name` or `name:ARGUMENT`, as in settings."""
        return f"{self.name}:{self.argument}" if self.argument else self.name


TYPES: tuple[BuilderType, ...] = (
    BuilderType("append", "fairing_kfp.builders.append", needs_registry=True, runs_here=True),
    BuilderType("cluster", "fairing_kfp.builders.cluster.builder", needs_registry=True, runs_here=False),
    BuilderType("layout", "fairing_kfp.builders.layout", needs_registry=False, runs_here=False, argument="FOLDER"),
    BuilderType("docker", "fairing_kfp.builders.engine.builder", needs_registry=False, runs_here=True),
    BuilderType("podman", "fairing_kfp.builders.engine.podman", needs_registry=False, runs_here=True),
)
DEFAULT = "append"


def builder_type(name: str) -> tuple[BuilderType, str]:
    """Looks up a builder; returns its type and argument.

    Raises:
        ConfigError: the builder does not exist.
    """
    head, _, argument = name.partition(":")
    for one in TYPES:
        if one.name == head and bool(argument) == bool(one.argument):
            return one, argument
    known = ", ".join(map(str, TYPES))
    raise ConfigError(f"the builder {name!r} does not exist", f"use {known} or {DRY_RUN}")


def needs_registry(name: str | None) -> bool:
    """Whether a builder needs the setting `registry`; for `dry-run` and None, whether the default builder does."""
    return builder_type(DEFAULT if name in (None, DRY_RUN) else str(name))[0].needs_registry


def runs_here(name: str | None) -> bool:
    """Whether the docker runner can run the images of a builder."""
    return name is None or (name != DRY_RUN and builder_type(name)[0].runs_here)


class Builders:
    """The builders of one pipeline. Each is made on first use, and closed at the end.

    Args:
        settings: the project's settings; `builder` is for components that set none.
        pipeline: the pipeline's name, for projects without a name.
        cache: cache on disk.
        progress: called with blobs as they move; silent by default.
        default: the builder of components that set none, instead of the setting; it is not closed.
    """

    def __init__(
        self,
        settings: Settings,
        pipeline: str,
        cache: Cache,
        progress: Progress | None = None,
        default: Builder | None = None,
    ) -> None:
        from fairing_kfp.builders.progress import silent

        self.connection = Connection(settings, pipeline, cache, progress or silent)
        self._default = default
        self._made: SingleFlight[Builder] = SingleFlight()
        self._own: list[Builder] = []

    def of(self, name: str | None = None) -> Builder:
        """The builder of a component.

        Args:
            name: the builder that the component sets. If it or the project's setting is `dry-run`, the builder only
                plans.

        Raises:
            ConfigError: the builder does not exist, or a setting that it needs is missing or malformed.
        """
        if name is None and self._default is not None:
            return self._default
        named = (name, self.connection.settings.builder)
        wanted = next((one for one in named if one not in (None, DRY_RUN)), None)
        wanted = DEFAULT if wanted is None else wanted
        builder = self._made.get(wanted, partial(self._make, wanted))
        return self._made.get((DRY_RUN, wanted), partial(_planning, builder)) if self.only_plans(name) else builder

    def only_plans(self, name: str | None = None) -> bool:
        """Whether the builder of a component is `dry-run`.

        Args:
            name: the builder that the component sets.
        """
        if name is None and self._default is not None:
            return False
        return DRY_RUN in (name, self.connection.settings.builder)

    def __enter__(self) -> Builders:
        """Returns the builders; none is made yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the builders that were made."""
        for builder in self._own:
            builder.close()

    def _make(self, name: str) -> Builder:
        found, argument = builder_type(name)
        builder: Builder = importlib.import_module(found.module).connect(self.connection, argument)
        self._own.append(builder)
        return builder


def _planning(builder: Builder) -> Builder:
    from fairing_kfp.builders.dry_run import DryRunBuilder

    return DryRunBuilder(builder)
