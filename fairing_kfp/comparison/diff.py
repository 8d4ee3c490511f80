"""`diff`: compares two pipelines, and says what made their steps differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.cache.store import Cache
from fairing_kfp.comparison.change import Change, PipelineDiff, Reuse, StepDiff, Verdict
from fairing_kfp.comparison.image_pairs import ImagePairs
from fairing_kfp.comparison.reuse import reuse_of
from fairing_kfp.comparison.side import Side, is_run, is_yaml, read_run, read_tree, read_yaml, with_images
from fairing_kfp.comparison.step_diff import group_changes, image_pairs, is_keyed_by_kfp, task_changes
from fairing_kfp.comparison.task import Path as TaskPath
from fairing_kfp.comparison.task import Task, tasks_of
from fairing_kfp.errors import PipelineError
from fairing_kfp.option_signature import lists_options
from fairing_kfp.settings import BuilderSettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

_HOST_SETTINGS = ("host", "namespace", "ca", "start")


@lists_options(BuilderSettingOptions, described_by=Settings)
def diff(
    old: Any,
    new: Any,
    *,
    token_file: str | None = None,
    cache: Cache | None = None,
    **settings: Unpack[BuilderSettingOptions],
) -> PipelineDiff:
    """Compares two pipelines: which steps changed, and why KFP reuses their earlier outputs, or not.

    Images are read from their registries, layers only if they differ. Nothing is pushed, and no pickle is loaded.
    The arguments of a run count for a pipeline without arguments, too.

    Args:
        old: the path of compiled YAML, the id of a run, `FILE[:NAME]`, or the result of `@dsl.pipeline`.
        new: likewise.
        token_file: as for `submit`.
        cache: the cache on disk; the user's by default.
        settings: as for `compile`, and `host`, `namespace` and `ca` for runs.

    Raises:
        PipelineError: one is not a pipeline, or both are of the working tree.
        KfpError: a run cannot be read.
        FairingError: an image of the working tree cannot be made.
    """
    cache = cache or Cache()
    start = settings["start"] = settings.get("start") or _start(new) or _start(old)
    chosen = Settings.load(**settings)
    sides = _read(old, new, token_file, chosen, settings)
    images = ImagePairs(chosen, cache)
    before, after = (_with_tree(side, images, chosen, cache, start) for side in sides)
    old_tasks, old_groups = tasks_of(before.specification, _arguments(before, after), before.name)
    new_tasks, new_groups = tasks_of(after.specification, _arguments(after, before), after.name)
    changes = _pipeline_changes(before, after)
    for path in (path for path in new_groups if path in old_groups):
        changes += [
            Change(one.kind, f"{'/'.join(path)}: {one.text}", one.in_cache_key)
            for one in group_changes(old_groups[path], new_groups[path])
        ]
    renamed = before.specification.name != after.specification.name
    steps = _steps(old_tasks, new_tasks, images, renamed=renamed)
    return PipelineDiff(before.name, after.name, tuple(changes), tuple(steps), images.missing)


def _read(
    old: Any, new: Any, token_file: str | None, settings: Settings, given: Mapping[str, Any]
) -> tuple[Side, Side]:
    def read(one: Any) -> Side:
        if isinstance(one, str) and is_yaml(one):
            return read_yaml(one)
        if isinstance(one, str) and is_run(one):
            reaching = {name: given[name] for name in _HOST_SETTINGS if given.get(name)}
            return read_run(one, reaching, token_file)
        return read_tree(one, settings)

    if not any(isinstance(one, str) and (is_yaml(one) or is_run(one)) for one in (old, new)):
        raise PipelineError(
            "OLD and NEW are both pipelines of the working tree, where only one version of a module can be imported",
            "compile one of them to YAML, or name a run",
        )
    return read(old), read(new)


def _start(one: Any) -> Path | None:
    """The folder in which the settings of a pipeline of the working tree are looked up."""
    if not isinstance(one, str) or is_yaml(one) or is_run(one):
        return None
    from fairing_kfp.component.load import folder_of

    return folder_of(one)


def _with_tree(side: Side, images: ImagePairs, settings: Settings, cache: Cache, start: Path | None) -> Side:
    """The side with the references that its images would get, if it is of the working tree."""
    if side.pipeline is None:
        return side
    references = images.add_tree(side.pipeline, settings, cache, start)
    return Side(side.name, with_images(side.specification, references), None, side.pipeline)


def _arguments(side: Side, other: Side) -> dict[str, Any]:
    """The arguments of a run; those of the other side, as far as they fit, for a pipeline that is not a run."""
    given = (other.arguments if side.arguments is None else side.arguments) or {}
    return {name: value for name, value in given.items() if name in side.specification.parameters}


def _pipeline_changes(old: Side, new: Side) -> list[Change]:
    if old.specification.name == new.specification.name:
        return []
    names = f"{old.specification.name} → {new.specification.name}"
    return [Change("pipeline", f"the pipeline's name: {names}; KFP reuses outputs of the same pipeline only", True)]


def _steps(
    old: Mapping[TaskPath, Task], new: Mapping[TaskPath, Task], images: ImagePairs, *, renamed: bool
) -> list[StepDiff]:
    left, pairs = dict(old), dict[TaskPath, Task | None]()
    moved = {task.name: path for path, task in old.items() if path not in new}
    for path, task in new.items():
        pairs[path] = left.pop(path if path in old else moved.get(task.name, path), None)
    images.compare_all(
        (one, other) for path, before in pairs.items() if before for _, one, other in image_pairs(before, new[path])
    )
    found, made = [], dict[TaskPath, Reuse]()
    for path, task in new.items():
        before = pairs[path]
        if before is None:
            made[path] = "no"
            found.append(StepDiff(task.name, "added", reuse="no"))
            continue
        changes, compared = _changes(before, task, images)
        own: Reuse = "yes" if compared else "maybe"
        if renamed or any(change.in_cache_key for change in changes):
            own = "no"
        made[path], why = reuse_of(task, own, made, new)
        verdict: Verdict = "changed" if changes else "same" if compared else "unknown"
        found.append(StepDiff(task.name, verdict, tuple(changes), made[path], why))
    return [*found, *(StepDiff(task.name, "removed", reuse="no") for task in left.values())]


def _changes(old: Task, new: Task, images: ImagePairs) -> tuple[list[Change], bool]:
    """The changes of a task, and whether all of it could be compared."""
    changes, compared = task_changes(old, new), True
    if old.path != new.path:
        places = (" in ".join(task.path[:-1][::-1]) or "the pipeline" for task in (old, new))
        changes.append(Change("condition", f"moved: {' → '.join(places)}", False))
    for use, one, other in image_pairs(old, new):
        change, known = images.compare(one, other, use)
        compared = compared and known
        if change:
            changes.append(replace(change, in_cache_key=is_keyed_by_kfp(old, new)))
    return sorted(changes, key=lambda change: (not change.in_cache_key, change.kind != "image")), compared
