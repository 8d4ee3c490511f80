"""Where a pipeline's lock file lies, and `lock`, which makes and renews it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.preprocess.lock_file import Entry, Key
    from fairing_kfp.preprocess.locks import Locks


@dataclass(frozen=True)
class Change:
    """What became of a package.

    Attributes:
        name: the package.
        platform: on which.
        before: its versions in the entries of the file; empty if it is new.
        after: likewise; empty if it is not there any more.
    """

    name: str
    platform: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Locked:
    """A lock file and what changed in it.

    Attributes:
        path: the file.
        entries: the number of distinct sets of requirements, each for a platform, that the pipeline has.
        changes: the packages that changed.
    """

    path: Path
    entries: int
    changes: tuple[Change, ...]


def lock(
    pipeline: Any, *, upgrade: bool | Sequence[str] = False, cache: Cache | None = None, **settings: Any
) -> Locked:
    """Makes or renews the lock file of a pipeline: entries for all its components on their platforms, and no others.

    What the file holds already stays as it is; new requirements keep to its versions where they can.

    Args:
        pipeline: what `@dsl.pipeline` or `@fairing_component` makes.
        upgrade: True to take the newest versions of all packages; or the names of those to take them of.
        cache: on disk; the user's by default.
        settings: as for `compile`.

    Raises:
        DependencyError: a name to be upgraded is in no entry, or requirements cannot be resolved.
        LockError: the file is damaged.
        ConfigError: the file cannot be written.
    """
    from packaging.utils import canonicalize_name

    from fairing_kfp.build.cache import Cache
    from fairing_kfp.pipeline import traced
    from fairing_kfp.prepare import AUTHORS_PYTHON, platforms_of, requirements_of, target_of
    from fairing_kfp.preprocess.locks import Locks
    from fairing_kfp.source import placeholders

    if isinstance(upgrade, str):
        raise ConfigError(f"upgrade is the text {upgrade!r}", f"make it a list: upgrade=[{upgrade!r}]")
    text, chosen = traced(pipeline), Settings.load(**settings)
    names = upgrade if isinstance(upgrade, bool) else {canonicalize_name(name) for name in upgrade}
    path = lock_path(pipeline, chosen, settings.get("start"))
    locks = Locks(cache or Cache(), path, pipeline_name(text), names)
    if not isinstance(names, bool):
        _check_names(names, locks, path)
    for source in placeholders(text).values():
        if source.packages:
            wanted = requirements_of(source, source.code.bundle(source.name), chosen)
            for platform in platforms_of(source, chosen):
                locks.lock(wanted, target_of(source, chosen, platform))
    before = {
        key: entry
        for key, entry in locks.before.items()
        if pipeline_name(text) in entry.pipelines and key.target.python == AUTHORS_PYTHON
    }
    try:
        locks.replace()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}",
            "make its folder writable, or name another file as lock in [tool.fairing-kfp] of pyproject.toml",
        ) from error
    return Locked(path, len(locks.used), _changes(before, locks.used))


def locks_of(pipeline: Any, text: str, settings: Settings, start: Path | None, cache: Cache) -> Locks:
    """The locks of a pipeline's components.

    Args:
        pipeline: what `@dsl.pipeline` or `@fairing_component` makes.
        text: the same as kfp compiles it.
        settings: may name the file.
        start: the folder of the file when the pipeline was not defined in one.
        cache: remembers what was resolved.

    Raises:
        LockError: the file is damaged.
    """
    from fairing_kfp.preprocess.locks import Locks

    return Locks(cache, lock_path(pipeline, settings, start), pipeline_name(text))


def lock_path(pipeline: Any, settings: Settings, start: Path | None = None) -> Path:
    """The lock file of a pipeline: beside the file that defines it, if there is one."""
    if settings.lock:
        return Path(settings.lock)
    folder = _component_folder(pipeline) or _folder(pipeline) or start or Path.cwd()
    return folder.absolute() / "fairing.lock"


def _component_folder(component: Any) -> Path | None:
    """The folder of a script's or notebook's component; None for a pipeline, and what a function was decorated to."""
    from fairing_kfp.preprocess.function import FunctionSource
    from fairing_kfp.source import placeholders

    container = getattr(component.component_spec.implementation, "container", None)
    sources = placeholders(container.image).values() if container else ()
    return next((one.code.folder for one in sources if not isinstance(one.code, FunctionSource)), None)


def _folder(pipeline: Any) -> Path | None:
    """The folder of the file in which the function of a pipeline or component is defined."""
    function = getattr(pipeline, "pipeline_func", None) or getattr(pipeline, "python_func", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    file = Path(code.co_filename) if code else Path()
    # A notebook's cells pretend to be files, and have none or one in a temporary folder.
    defined = file.suffix == ".py" and file.is_file() and "ipykernel" not in str(file)
    return file.parent if defined else None


def pipeline_name(text: str) -> str:
    """The name of a compiled pipeline."""
    found = re.search(r"^pipelineInfo:\n(?:  .*\n)*?  name: (\S+)$", text, re.MULTILINE)
    return found.group(1) if found else "pipeline"


def _check_names(names: Collection[str], locks: Locks, path: Path) -> None:
    from fairing_kfp.errors import DependencyError

    known = {name for entry in locks.before.values() for name in entry.pins}
    if unknown := sorted(set(names) - known):
        raise DependencyError(
            f"{path} has no package {unknown[0]}, which is to be upgraded", "name one that it has, or none for all"
        )


def _changes(before: Mapping[Key, Entry], after: Mapping[Key, Entry]) -> tuple[Change, ...]:
    one, other = _versions(before), _versions(after)
    return tuple(
        Change(name, platform, one.get((name, platform), ()), other.get((name, platform), ()))
        for name, platform in sorted(one.keys() | other.keys())
        if one.get((name, platform)) != other.get((name, platform))
    )


def _versions(entries: Mapping[Key, Entry]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The versions of packages on platforms: several where requirements ask for different ones."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, entry in entries.items():
        for name, pin in entry.pins.items():
            found.setdefault((name, key.target.platform), set()).add(pin.version)
    return {key: tuple(sorted(versions)) for key, versions in found.items()}
