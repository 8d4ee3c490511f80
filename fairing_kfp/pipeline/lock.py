"""`lock`: creates and updates the lock file of a pipeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.lock_place import lock_path
from fairing_kfp.settings import BuilderSettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock_file import Entry, Key
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock
    from fairing_kfp.pipeline.trace import TracedPipeline


@dataclass(frozen=True)
class Change:
    """A change of a package's versions, or of a base image's digest.

    Attributes:
        name: name of the package, or reference of the base image.
        platform: platform of the entries; empty for a base image.
        before: its versions or digest in the old file; empty if it was added.
        after: its versions or digest in the new file; empty if it was removed.
    """

    name: str
    platform: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Locked:
    """An updated lock file.

    Attributes:
        path: the file.
        entries: number of the pipeline's entries, one per set of requirements and platform.
        changes: changed packages and base images.
        notes: sentences for the author about the choice of versions.
    """

    path: Path
    entries: int
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


@lists_options(BuilderSettingOptions, described_by=Settings)
def lock(
    pipeline: Any,
    *,
    upgrade: bool | Sequence[str] = False,
    cache: Cache | None = None,
    **settings: Unpack[BuilderSettingOptions],
) -> Locked:
    """Creates or updates the lock file of a pipeline, with entries for all its components on all their platforms.

    Locked versions are kept, and preferred for new requirements. Entries that the pipeline no longer needs are removed.
    Base images are locked by digest if images are made from a registry: with a registry, or the builder `layout`.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
        upgrade: True upgrades all packages and base images; a list upgrades the named packages.
        cache: cache on disk; the user's by default.
        settings: as for `compile`.

    Raises:
        DependencyError: a package to upgrade is in no entry, or requirements cannot be resolved.
        LockError: the file is damaged, or must not change (`locked=True`).
        RegistryError: a base image cannot be read.
        ConfigError: the file cannot be written.
    """
    from packaging.utils import canonicalize_name

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.pipeline_lock import PipelineLock
    from fairing_kfp.pipeline.trace import trace
    from fairing_kfp.preprocess.source import AUTHORS_PYTHON
    from fairing_kfp.recipe.component import platforms_of, requirements_of, target_of

    if isinstance(upgrade, str):
        raise ConfigError(f"upgrade is a string, {upgrade!r}", f"use a list: upgrade=[{upgrade!r}]")
    chosen, traced = Settings.load(**settings), trace(pipeline)
    names = upgrade if isinstance(upgrade, bool) else {canonicalize_name(name) for name in upgrade}
    path = lock_path(traced.folder, chosen, settings.get("start"))
    cache = cache or Cache()
    pipeline_lock = PipelineLock(cache, path, traced.name, names, chosen.locked)
    if not isinstance(names, bool):
        _check_names(names, pipeline_lock, path)
    for source in traced.sources.values():
        if source.packages:
            requirements = requirements_of(source, source.code.bundle(source.name), chosen)
            for platform in platforms_of(source, chosen):
                pipeline_lock.lock(requirements, target_of(source, chosen, platform))
    before = {
        key: entry
        for key, entry in pipeline_lock.before.items()
        if traced.name in entry.pipelines and key.target.python == AUTHORS_PYTHON
    }
    used = _locked_bases(traced, chosen, pipeline_lock, cache)
    bases = {image: base.digest for image, base in pipeline_lock.bases.items() if traced.name in base.pipelines}
    try:
        pipeline_lock.rewrite(used)
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror or error}",
            "make its folder writable, or set lock in [tool.fairing-kfp] of pyproject.toml to another file",
        ) from error
    changes = (*_changes(before, pipeline_lock.used), *_base_changes(bases, bases if used is None else used))
    return Locked(path, len(pipeline_lock.used), changes, tuple(pipeline_lock.notes))


def _locked_bases(
    traced: TracedPipeline, settings: Settings, pipeline_lock: PipelineLock, cache: Cache
) -> dict[str, str] | None:
    """The digests of the pipeline's base images, by reference; None if images are not made from a registry.

    Raises:
        RegistryError: a base image cannot be read.
        LockError: one is not locked, and the lock file must not change.
    """
    from fairing_kfp.builders.bases import Bases
    from fairing_kfp.builders.builder import Connection
    from fairing_kfp.builders.progress import silent
    from fairing_kfp.builders.select import DEFAULT, DRY_RUN
    from fairing_kfp.image.reference import Reference
    from fairing_kfp.preprocess.source import AUTHORS_PYTHON
    from fairing_kfp.recipe.defaults import chosen_base

    builder = DEFAULT if settings.builder in (None, DRY_RUN) else str(settings.builder)
    if not builder.startswith("layout:") and (builder not in ("append", "cluster") or not settings.registry):
        return None
    named = [chosen_base(settings, AUTHORS_PYTHON, one.code.folder, one.base_image) for one in traced.sources.values()]
    if traced.own_images and not settings.own_image:
        named.append(chosen_base(settings, AUTHORS_PYTHON, Path.cwd()))
    tagged = [base for base in dict.fromkeys(named) if isinstance(base, Reference) and not base.digest]
    bases = Bases(cache, Connection(settings, traced.name, cache, silent).client())
    return {str(base): pipeline_lock.base(base).digest or bases.digest(base) for base in tagged}


def _base_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    def shown(digests: Mapping[str, str], image: str) -> tuple[str, ...]:
        return (digests[image],) if image in digests else ()

    names = sorted(image for image in before.keys() | after.keys() if before.get(image) != after.get(image))
    return [Change(image, "", shown(before, image), shown(after, image)) for image in names]


def _check_names(names: Collection[str], pipeline_lock: PipelineLock, path: Path) -> None:
    from fairing_kfp.errors import DependencyError

    known = {name for entry in pipeline_lock.before.values() for name in entry.pins}
    if unknown := sorted(set(names) - known):
        raise DependencyError(
            f"cannot upgrade {unknown[0]}: it is not in {path}", "name a locked package, or none to upgrade all"
        )


def _changes(before: Mapping[Key, Entry], after: Mapping[Key, Entry]) -> tuple[Change, ...]:
    old, new = _versions(before), _versions(after)
    return tuple(
        Change(name, platform, old.get((name, platform), ()), new.get((name, platform), ()))
        for name, platform in sorted(old.keys() | new.keys())
        if old.get((name, platform)) != new.get((name, platform))
    )


def _versions(entries: Mapping[Key, Entry]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Versions by package and platform; several if components require different ones."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, entry in entries.items():
        for name, pin in entry.pins.items():
            found.setdefault((name, key.target.platform), set()).add(pin.version)
    return {key: tuple(sorted(versions)) for key, versions in found.items()}
