"""Events of a local run."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Event:
    """An event of a step.

    Attributes:
        kind: `warn`, `start`, `log`, `succeed`, `fail` or `reuse`.
        step: the step's name, with a number from its second run on.
        text: a line of the step's log, the cause of a failure, or the earlier run whose outputs are reused on demand.
        seconds: the step's duration, if it ended.
        log: the file with the step's whole log.
        outputs: output parameters by name.
        artifacts: paths of output artifacts by name.
        metrics: metadata of output artifacts by name, if not empty.
        inputs: values of input parameters and paths of input artifacts by name, if it ended.
        position: orders the steps that ended as the graph does.
    """

    kind: str
    step: str
    text: str = ""
    seconds: float = 0.0
    log: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    position: tuple[int, ...] = ()
