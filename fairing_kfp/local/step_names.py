"""The names and the order of the steps of a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from fairing_kfp.pipeline.specification import unused_name

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification


class StepNames:
    """The names of the steps of a run, each that of its task.

    A task in a nested pipeline, branch or loop whose name an outer task has gets a number, and so does each further
    run of a task in a loop. The numbers follow the order of the graph, whichever step starts first.

    Args:
        specification: the pipeline.
    """

    def __init__(self, specification: Specification) -> None:
        self._names: dict[tuple[str, ...], list[str]] = {}
        self._regular: set[tuple[str, ...]] = set()
        self._next: Counter[tuple[str, ...]] = Counter()
        components = specification.components
        own = specification.task_names()
        self._taken: set[str] = set()
        ahead: list[tuple[tuple[str, ...], Mapping[str, Any], int, bool]] = [
            ((), specification.document["root"], 0, True)
        ]
        for path, component, loops, regular in ahead:
            tasks = component["dag"]["tasks"]
            for name in ordered(tasks):
                inner, place = components[tasks[name]["componentRef"]["name"]], (*path, name)
                always = regular and not (loops and "condition" in tasks[name].get("triggerPolicy", {}))
                if "dag" in inner:
                    is_loop = "parameterIterator" in tasks[name] or "artifactIterator" in tasks[name]
                    ahead.append((place, inner, loops + is_loop, always and loops + is_loop < 2))
                    continue
                step = unused_name(name, self._taken | own) if name in self._taken else name
                self._taken.add(step)
                self._names[place] = [step]
                if always:
                    self._regular.add(place)

    def is_regular(self, path: tuple[str, ...]) -> bool:
        """Whether the task at a path runs once, or once in each iteration of one loop."""
        return path in self._regular

    def nth(self, path: tuple[str, ...], number: int) -> str:
        """The name of a task in one of its runs, counted from 0."""
        names = self._names[path]
        while len(names) <= number:
            names.append(unused_name(names[0], self._taken))
            self._taken.add(names[-1])
        return names[number]

    def next(self, path: tuple[str, ...]) -> str:
        """The name of a task in its next run."""
        self._next[path] += 1
        return self.nth(path, self._next[path] - 1)


def ordered(tasks: Mapping[str, Any]) -> list[str]:
    """The names of a DAG's tasks, each after those that it depends on, else by name and number."""

    def key(name: str) -> tuple[str, int]:
        stem, _, number = name.rpartition("-")
        return (stem, int(number)) if stem and re.fullmatch(r"\d+", number) else (name, 0)

    sorter = TopologicalSorter({name: task.get("dependentTasks", ()) for name, task in tasks.items()})
    sorter.prepare()
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=key)
        found += ready
        sorter.done(*ready)
    return found
