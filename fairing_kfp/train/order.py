"""What a train step is told to do: which image to run, as which kind of job, on how many nodes, with which pods.

It is made when the pipeline is, travels as JSON in the step's arguments, and is read in the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.written import Written

Kind = Literal["job", "trainjob", "pytorchjob", "tfjob"]
"""`batch/v1` Job; TrainJob of Kubeflow Trainer; PyTorchJob and TFJob of Kubeflow's Training Operator."""

Framework = Literal["torch", "tensorflow", "jax", "lightgbm"]
"""Whose processes find each other: torch's are started by torchrun, the others are told by their own variables."""

Logs = Literal["first", "all"]
"""Whose lines the step shows: those of the node with rank 0, or of all nodes."""

SHOWN = {"job": "Job", "trainjob": "TrainJob", "pytorchjob": "PyTorchJob", "tfjob": "TFJob"}
"""What people call the kinds."""


@dataclass(frozen=True)
class Order(Written):
    """What is to be run, and how.

    Attributes:
        kind: of the job.
        name: the component's, for names of objects and for messages.
        image: by digest; in the pipeline that is traced, the component's placeholder.
        nodes: how many pods work together.
        processes: per node, for torchrun; None for one, or for what the job's kind decides.
        framework: whose processes find each other; None where each node is on its own.
        pod: what the author's mutators make of an empty pod specification with one container.
        labels: of the job and its pods, beside ours.
        annotations: likewise.
        deadline: seconds after which the job is ended; None for never.
        retries: how often nodes that failed are started anew.
        start_within: seconds in which a node that fits nowhere must find its place.
        logs: whose lines are shown.
        runtime: the runtime of a TrainJob.
    """

    kind: Kind
    name: str
    image: str
    nodes: int = 1
    processes: int | None = None
    framework: Framework | None = None
    pod: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    deadline: int | None = None
    retries: int = 0
    start_within: int = 900
    logs: Logs = "first"
    runtime: str = ""

    def __post_init__(self) -> None:
        """Refuses what no cluster could run.

        Raises:
            ConfigError: a number is too small, or a word unknown.
        """
        for word, known in (("kind", Kind), ("logs", Logs)):
            self._check_word(word, get_args(known))
        if self.framework is not None:
            self._check_word("framework", get_args(Framework))
        for number, least in (("nodes", 1), ("processes", 1), ("deadline", 1), ("retries", 0), ("start_within", 1)):
            value = getattr(self, number)
            if value is None and number in ("processes", "deadline"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(
                    f"{self.name}: {number}={value!r} of its {SHOWN[self.kind]}",
                    f"give a whole number from {least} on",
                )

    @property
    def where(self) -> str:
        """Whose job it is."""
        return "Kubernetes"

    @property
    def shown(self) -> str:
        """What it is, in a few words: `TrainJob of 2 nodes`."""
        return SHOWN[self.kind] + (f" of {self.nodes} nodes" if self.nodes > 1 else "")

    def _check_word(self, word: str, known: tuple[str, ...]) -> None:
        value = getattr(self, word)
        if value not in known:
            raise ConfigError(f"{self.name}: {word}={value!r} of its train step", f"use one of {', '.join(known)}")
