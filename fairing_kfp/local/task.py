"""Tasks of a run: their inputs, outputs and states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from fairing_kfp.frozen import dataclass

Artifacts = dict[str, list[dict[str, Any]]]

SUCCEEDED, FAILED, SKIPPED = "COMPLETE", "FAILED", "SKIPPED"  # as KFP 2.17 tells an exit handler
NOT_STARTED = "NOT_STARTED"  # another task failed before


@dataclass(frozen=True)
class Values:
    """The inputs or the outputs of a task or a DAG.

    Attributes:
        parameters: parameters by name.
        artifacts: lists of artifacts (RuntimeArtifact) by name.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: Artifacts = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A task that runs something, with the values of its inputs.

    Attributes:
        step: the task's name, with a number from its second run on: `train`, `train-2`.
        component: its component (ComponentSpec).
        inputs: its inputs.
        cached: whether its outputs may be reused.
        attempts: how often it may run until it succeeds.
        scope: resolves an input of the task that is no input of its component, such as the name of a volume.
        position: orders the steps of a run as the graph does.
        path: names of the tasks that lead to it, and its own.
    """

    step: str
    component: Mapping[str, Any]
    inputs: Values
    cached: bool
    attempts: int
    scope: Callable[[Mapping[str, Any]], Any]
    position: tuple[int, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ended:
    """The end of a task or a DAG.

    Attributes:
        state: its state.
        outputs: its outputs, if it succeeded.
    """

    state: str
    outputs: Values = field(default_factory=Values)


RunTask = Callable[[Task], "Values | None"]
"""Runs a task; gives its outputs, or None if it failed."""
