"""The result of a replay, compared with what Kubeflow Pipelines recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.local.result import StepResult

MISSING = object()
"""An output that one of the two does not have."""


@dataclass(frozen=True)
class Comparison:
    """An output parameter, or a value of an output artifact's metadata, there and here.

    Attributes:
        name: its name; `metrics.accuracy` for a value of metadata.
        recorded: its value in the run; `MISSING` if it has none.
        here: its value in the replay, likewise.
    """

    name: str
    recorded: Any
    here: Any

    @property
    def is_equal(self) -> bool:
        """Whether both values are equal; KFP stores booleans of metadata as 0 and 1."""
        return bool(self.recorded == self.here)


@dataclass(frozen=True)
class ReplayResult:
    """The result of a replay.

    Attributes:
        folder: folder with its inputs, its outputs and its log.
        step: the step here.
        comparisons: its outputs, compared with those of the run; empty if the step of the run did not succeed.
    """

    folder: Path
    step: StepResult
    comparisons: tuple[Comparison, ...]


def compared(
    outputs: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]], step: StepResult
) -> tuple[Comparison, ...]:
    """The outputs of a step of a run, compared with those of its replay.

    Args:
        outputs: output parameters of the run.
        metadata: metadata of its output artifacts, by name.
        step: the replayed step.
    """
    before, after = _flat(outputs, metadata), _flat(step.outputs, step.metrics)
    names = dict.fromkeys((*before, *after))
    return tuple(Comparison(name, before.get(name, MISSING), after.get(name, MISSING)) for name in names)


def _flat(outputs: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    values = dict(outputs)
    for name, its in metadata.items():
        values |= {f"{name}.{key}": value for key, value in its.items()}
    return values
