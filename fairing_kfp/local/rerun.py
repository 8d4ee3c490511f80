"""Which tasks of an earlier run run again, and the outputs of the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.local.step_names import ordered
from fairing_kfp.pipeline.specification import is_exit_task

if TYPE_CHECKING:
    from fairing_kfp.local.journal import Journal
    from fairing_kfp.local.task import Task, Values
    from fairing_kfp.pipeline.specification import Specification


@dataclass(frozen=True)
class Rerun:
    """An earlier run, of which some tasks run again.

    Attributes:
        journal: its journal.
        again: paths of the tasks that run again, with the tasks in them.
    """

    journal: Journal
    again: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, journal: Journal, specification: Specification, step: str) -> Rerun:
        """An earlier run, of which a task and all tasks after it run again, and exit handlers.

        Args:
            journal: the earlier run.
            specification: the pipeline.
            step: name of the task.

        Raises:
            PipelineError: the run is of another pipeline, or the pipeline has no such task.
            ConfigError: the output files of a task that does not run again are gone.
        """
        if journal.pipeline != specification.name:
            raise PipelineError(
                f"{journal.folder} is a run of the pipeline {journal.pipeline}, not of {specification.name}",
                "name a run of the same pipeline",
            )
        again: set[tuple[str, ...]] = set()
        if not _add_from(step, specification.document["root"], (), specification.components, again):
            names = sorted(specification.task_names())
            raise PipelineError(
                f"the pipeline {specification.name} has no task {step!r}", f"its tasks: {', '.join(names)}"
            )
        found = cls(journal, frozenset(again))
        for entry in journal.entries.values():
            gone = [file for file in entry.files if not Path(file).exists()]
            if gone and not found.runs_again(entry.path):
                raise ConfigError(
                    f"the outputs of the step {entry.step} in {journal.folder} are gone: {gone[0]}",
                    f"run it again, too: --from {entry.path[-1]}",
                )
        return found

    def runs_again(self, path: tuple[str, ...]) -> bool:
        """Whether the task at a path runs again."""
        return any(path[:length] in self.again for length in range(1, len(path) + 1))

    def outputs_of(self, task: Task) -> Values | None:
        """The outputs that a task had in the earlier run; None if it runs again, or did not end there."""
        entry = self.journal.entries.get(task.step)
        return None if entry is None or entry.path != task.path or self.runs_again(task.path) else entry.outputs


def _add_from(
    step: str,
    component: Mapping[str, Any],
    path: tuple[str, ...],
    components: Mapping[str, Any],
    again: set[tuple[str, ...]],
) -> bool:
    """Adds the paths of the tasks of a DAG that run again; whether it contains the step."""
    tasks = component["dag"]["tasks"]
    begun: set[str] = set()  # the tasks that run again, or contain one that does
    found = False
    for name in ordered(tasks):
        inner, place = components[tasks[name]["componentRef"]["name"]], (*path, name)
        if name == step or is_exit_task(tasks[name]) or begun.intersection(tasks[name].get("dependentTasks", ())):
            again.add(place)
            begun.add(name)
            found = found or name == step
        elif "dag" in inner and _add_from(step, inner, place, components, again):
            begun.add(name)
            found = True
    return found
