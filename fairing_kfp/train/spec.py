"""The spec of a training step: image, kind of job, nodes and pods.

The compiler writes it as JSON into the step's arguments; the step parses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.json_spec import OMIT_DEFAULT, JsonSpec
from fairing_kfp.train.kinds.select import KINDS, load

Framework = Literal["torch", "tensorflow", "jax", "lightgbm"]
"""Framework of distributed training: torch starts with torchrun, the others read their own environment variables."""

Logs = Literal["first", "all"]
"""Nodes whose log is shown: the node with rank 0, or all."""

TRAIN_COMMAND = ("python3", "-m", "fairing_kfp.train")
"""Command of a training step."""


@dataclass(frozen=True)
class JobSpec(JsonSpec):
    """A job that runs a component's code.

    Attributes:
        kind: kind of job, one of `fairing_kfp.train.kinds.select.KINDS`.
        name: name of the component, for object names and messages.
        image: image by digest; the component's placeholder in a traced pipeline.
        nodes: number of pods.
        processes: processes per node, for torchrun; None for the default of the kind.
        framework: framework of distributed training; None if the nodes work independently.
        pod: pod specification with one container, as the author's mutators return it.
        labels: labels of the job and its pods.
        annotations: annotations of the job and its pods.
        deadline: maximum duration of the job, in seconds; None for no limit.
        retries: how many times a failed node is restarted.
        start_within: how long a pod may stay unschedulable before the step fails, in seconds.
        logs: nodes whose log is shown.
        runtime: runtime of a TrainJob.
        options: options that only this kind has.
    """

    _step: ClassVar[str] = "train"

    kind: str
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
    options: Mapping[str, Any] = field(default_factory=dict, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        """Checks values that no cluster accepts.

        Raises:
            ConfigError: a number is too small, or a kind, framework or `logs` unknown.
        """
        self._check_choice("kind", KINDS)
        self._check_choice("logs", get_args(Logs))
        if self.framework is not None:
            self._check_choice("framework", get_args(Framework))
        for name, least in (("nodes", 1), ("processes", 1), ("deadline", 1), ("retries", 0), ("start_within", 1)):
            value = getattr(self, name)
            if value is None and name in ("processes", "deadline"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigError(
                    f"{self.name}: {name}={value!r} of its {self._kubernetes_kind}",
                    f"use an integer of at least {least}",
                )

    @property
    def where(self) -> str:
        """The system that runs the job."""
        return "Kubernetes"

    @property
    def shown(self) -> str:
        """The job in messages, such as `TrainJob of 2 nodes`."""
        return self._kubernetes_kind + (f" of {self.nodes} nodes" if self.nodes > 1 else "")

    @property
    def _kubernetes_kind(self) -> str:
        return str(load(self.kind).kind)

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise ConfigError(f"{self.name}: {name}={value!r} of its train step", f"use one of {', '.join(choices)}")
