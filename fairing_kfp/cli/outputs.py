"""What the steps of a run on Kubeflow Pipelines returned and wrote, in a terminal or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from fairing_kfp.display.html import shortened
from fairing_kfp.display.terminal import print_table
from fairing_kfp.errors import KfpError

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.remote.run import Run
    from fairing_kfp.remote.step import Step

_LOGS = "executor-logs"  # the artifact with a step's log, which `runs logs` shows
_LONGEST = 160  # characters of a value


def print_outputs(run: Run, screen: Console) -> None:
    """Prints tables of the output parameters and artifacts of a run, or why they cannot be read."""
    try:
        outputs, artifacts = run.outputs, [one for one in run.artifacts if one.name != _LOGS]
    except KfpError as error:
        screen.print(f"[dim]{escape(error.message)}\n  → {escape(error.remedy)}[/]")
        return
    parameters = [(step, name, _short(value)) for step, its in outputs.items() for name, value in its.items()]
    if parameters:
        screen.print()
        print_table([("step", "output", "value"), *parameters], screen)
    if artifacts:
        rows = [(one.step, one.name, one.type, _metadata(one.metadata)) for one in artifacts]
        screen.print()
        print_table([("step", "artifact", "type", "metadata"), *rows], screen)


def results_as_dicts(run: Run) -> Callable[[str], dict[str, Any]]:
    """The outputs and artifacts of a step, for JSON; null if they cannot be read."""
    try:
        outputs, artifacts = run.outputs, run.artifacts
    except KfpError:
        return lambda step: {"outputs": None, "artifacts": None}
    return lambda step: {
        "outputs": outputs.get(step, {}),
        "artifacts": [
            {"name": one.name, "type": one.type, "uri": one.uri, "metadata": dict(one.metadata)}
            for one in artifacts
            if one.step == step
        ],
    }


def run_as_dict(run: Run, *, steps: bool = True) -> dict[str, Any]:
    """A run as JSON values, as `runs show --json` prints it.

    Args:
        run: the run.
        steps: whether to add its steps, with their outputs.
    """
    known = {
        "id": run.id,
        "name": run.name,
        "state": run.last_state,
        "created": run.created.isoformat() if run.created else None,
        "url": run.url,
        "arguments": run.arguments,
    }
    if not steps:
        return known
    results = results_as_dicts(run)
    return {**known, "steps": [{**_step_as_dict(step), **results(step.name)} for step in run.steps]}


def _step_as_dict(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "state": step.state,
        "started": step.started.isoformat() if step.started else None,
        "ended": step.ended.isoformat() if step.ended else None,
        "cached": step.cached,
    }


def _metadata(metadata: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_short(value)}" for name, value in metadata.items())[:_LONGEST]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return shortened(" ".join(text.split()), _LONGEST)
