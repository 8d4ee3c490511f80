"""Declarations of reusable components: what each reads and writes, and the function that its step runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fairing_kfp.components.kinds import ARTIFACTS, Kind
from fairing_kfp.preprocess.source import OWN_IMAGE

Category = Literal["preprocessing", "building", "training", "deployment", "evaluation"]

COMMAND = ("python3", "-m", "fairing_kfp.components")
"""Command of a step, before the component's name."""

REPORT = "report"
"""The output with the HTML report, which every component has."""


@dataclass(frozen=True)
class Input:
    """An input of a component.

    Attributes:
        name: its name.
        kind: its type.
        description: one sentence.
        default: the default; None if it is required.
        optional: whether an artifact may be left out.
    """

    name: str
    kind: Kind
    description: str
    default: Any = None
    optional: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a task must set it."""
        return self.default is None and not self.optional

    @property
    def is_artifact(self) -> bool:
        """Whether it is an artifact, and no parameter."""
        return self.kind in ARTIFACTS


@dataclass(frozen=True)
class Output:
    """An output of a component.

    Attributes:
        name: its name.
        kind: its type.
        description: one sentence.
    """

    name: str
    kind: Kind
    description: str

    @property
    def is_artifact(self) -> bool:
        """Whether it is an artifact, and no parameter."""
        return self.kind in ARTIFACTS


@dataclass(frozen=True)
class TaskSetting:
    """A setting of a task that KFP passes to the step in its TaskConfig.

    Attributes:
        field: name in `kfp.dsl.TaskConfigField`, such as `ENV`.
        applies: whether it applies to the step's own pod, too.
    """

    field: str
    applies: bool = False


@dataclass(frozen=True)
class StepInputs:
    """The inputs of a running step.

    Attributes:
        values: parameters by name, with their defaults.
        artifacts: paths of input artifacts by name, except metrics; a missing one is not contained.
        uris: URIs of input artifacts.
        outputs: paths of output artifacts by name.
        log: writes a line to the step's log.
        task_config: KFP's TaskConfig, for components with `task_settings`.
        metadata: metadata of input artifacts; that of metrics is their scalars.
    """

    values: Mapping[str, Any]
    artifacts: Mapping[str, Path]
    uris: Mapping[str, str]
    outputs: Mapping[str, Path]
    log: Callable[[str], None]
    task_config: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class StepResult:
    """The result of a step.

    Attributes:
        verdict: one sentence, the title of the report.
        rows: the table of the report.
        parameters: output parameters by name.
        metadata: metadata of output artifacts by name; that of metrics is their scalars.
        page: the whole report (HTML), instead of one made of the verdict and the rows.
    """

    verdict: str
    rows: tuple[tuple[str, str], ...]
    parameters: Mapping[str, Any]
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class ReusableComponent:
    """A component, from which all its files are generated.

    Attributes:
        name: its name in KFP, with hyphens.
        category: its folder in `components/`.
        description: one sentence.
        details: a paragraph for the README.
        inputs: its inputs, required ones first.
        outputs: its outputs, without the report.
        run: the function that its step runs.
        example: the body of `example_pipeline.py`, after the imports.
        needs: external services that the step uses, such as `KServe >= 0.15`.
        tags: keywords.
        cached: whether an earlier result for equal inputs may be used again.
        image: placeholder of the image of its step.
        task_settings: settings of its task that the step reads, such as those for the pods of a job.
    """

    name: str
    category: Category
    description: str
    details: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    run: Callable[[StepInputs], StepResult]
    example: str
    needs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cached: bool = True
    image: str = OWN_IMAGE
    task_settings: tuple[TaskSetting, ...] = ()

    @property
    def identifier(self) -> str:
        """Its name in Python, and its folder's."""
        return self.name.replace("-", "_")

    @property
    def folder(self) -> str:
        """Its folder, relative to `components/`."""
        return f"{self.category}/{self.identifier}"

    @property
    def all_outputs(self) -> tuple[Output, ...]:
        """Its outputs with the report."""
        return (*self.outputs, Output(REPORT, "html", "What the step did, the result first."))
