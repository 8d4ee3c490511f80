"""Results of a local run and of its steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.display.event import Event
from fairing_kfp.errors import StepFailedError
from fairing_kfp.frozen import dataclass

if TYPE_CHECKING:
    from fairing_kfp.local.details import RunDetails
    from fairing_kfp.local.task import Values

_STATES = {"succeed": "succeeded", "fail": "failed", "reuse": "reused"}
_LOG_LINES = 60


@dataclass(frozen=True, repr=False)
class StepResult:
    """The result of a step.

    Attributes:
        name: name of the step.
        state: `succeeded`, `reused` or `failed`.
        seconds: duration, in seconds.
        outputs: output parameters.
        artifacts: paths of the output artifacts.
        metrics: metadata of artifacts that have some.
        log: file of its log; empty if it was reused.
        inputs: values of its input parameters, and paths of its input artifacts.
        start: seconds from the start of the run to its own.
    """

    name: str
    state: str
    seconds: float = 0.0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    start: float = 0.0

    def __repr__(self) -> str:
        """Its name, state and duration, in one line."""
        return f"<StepResult {self.name}: {self.state}" + (f" in {self.seconds:.1f} s>" if self.seconds else ">")

    def _repr_html_(self) -> str:
        from fairing_kfp.local.result_html import step_html

        return step_html(self)

    def log_text(self) -> str:
        """Its log; empty if it was reused."""
        return Path(self.log).read_text(encoding="utf-8", errors="replace") if self.log else ""


@dataclass(frozen=True, repr=False)
class RunResult:
    """The result of a local run.

    Attributes:
        folder: folder with artifacts and logs.
        outputs: outputs of the pipeline.
        steps: steps, in the order of the graph.
        details: what ran; None for a replayed task.
    """

    folder: Path
    outputs: Mapping[str, Any]
    steps: tuple[StepResult, ...]
    details: RunDetails | None = None

    def __repr__(self) -> str:
        """Its folder, and how many steps ended how, in one line."""
        counts = Counter(step.state for step in self.steps)
        ended = ", ".join(f"{count} {state}" for state, count in counts.items())
        return f"<RunResult {self.folder.name}: {ended or 'no steps'}>"

    def _repr_html_(self) -> str:
        from fairing_kfp.local.result_html import result_html

        return result_html(self.folder, self.outputs, self.steps)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes a page about the run (HTML): graph, times, inputs, outputs, metrics, artifacts, logs and layers.

        The page is one file that loads nothing.

        Args:
            path: the file to write.

        Raises:
            ConfigError: it cannot be written.
        """
        from fairing_kfp.atomic_file import write_atomic
        from fairing_kfp.local.report import report_page

        write_atomic(Path(path), report_page(self.folder, self.outputs, self.steps, self.details))

    def step(self, name: str) -> StepResult:
        """A step by the name of its task, with a number from its second run on in loops and nested pipelines.

        Raises:
            KeyError: no such step ran; the message lists those that did.
        """
        steps = {step.name: step for step in self.steps}
        if name not in steps:
            raise KeyError(f"no step {name!r} ran; the steps: {', '.join(steps) or 'none'}")
        return steps[name]


def step_result(event: Event) -> StepResult | None:
    """The result of the step that an event ends; None for any other event."""
    state = _STATES.get(event.kind)
    if state is None:
        return None
    outputs, artifacts, metrics = event.outputs, event.artifacts, event.metrics
    return StepResult(event.step, state, event.seconds, outputs, artifacts, metrics, event.log, event.inputs)


def pipeline_outputs(outputs: Values) -> dict[str, Any]:
    """The outputs of a pipeline: parameters, and artifacts as objects of kfp's classes."""
    from kfp import dsl

    classes = {one.schema_title: one for one in vars(dsl).values() if hasattr(one, "schema_title")}

    def made(artifact: Mapping[str, Any]) -> Any:
        title = artifact["type"].get("schemaTitle", "")
        make = classes.get(title, dsl.Artifact)
        return make(name=artifact["name"], uri=artifact["uri"], metadata=dict(artifact["metadata"]))

    artifacts = {name: [made(one) for one in listed] for name, listed in outputs.artifacts.items()}
    return {**outputs.parameters, **{name: one[0] if len(one) == 1 else one for name, one in artifacts.items()}}


def step_error(step: StepResult, result: RunResult) -> StepFailedError:
    """The error of a failed step, with the end of its log.

    Args:
        step: the step.
        result: the run, as far as it came.
    """
    log = step.log_text()
    lines = log.splitlines()
    tail = "\n".join(lines[-_LOG_LINES:])
    shortened = f" (the last {_LOG_LINES} of {len(lines)} lines)" if len(lines) > _LOG_LINES else ""
    summary = f"the step {step.name} failed after {step.seconds:.1f} s"
    remedy = f"see the whole log: {step.log}"
    if "bdb.BdbQuit" in tail:
        remedy = "breakpoint() needs a terminal: run the pipeline in one, with --in-process"
    return StepFailedError(
        f"{summary}; its log{shortened}:\n{tail}",
        remedy,
        log=log,
        result=result,
        summary=summary,
    )
