"""The error for a run that did not succeed: the step that failed first, and the end of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import KfpError, RunFailedError
from fairing_kfp.remote.logs import step_log
from fairing_kfp.remote.step import run_state, steps_of

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp
    from fairing_kfp.remote.pipeline import PipelineDocument

_LOG_LINES = 30


def run_failure(kfp: Kfp, run: Any, document: PipelineDocument, url: str) -> RunFailedError:
    """The error for the end of a run.

    Args:
        kfp: connection with Kubeflow Pipelines.
        run: the run, as the API describes it (`V2beta1Run`).
        document: its pipeline.
        url: its page; empty if unknown.
    """
    state, name = run_state(run), run.display_name or ""
    failed = [step for step in steps_of(run, document.pipeline) if step.state == "failed"]
    where = f"see {url}" if url else f"see the run {run.run_id} on the pages of Kubeflow Pipelines"
    if not failed or state != "failed":
        cause = _cause(run)
        text = f"the run {name} {past(state)}{f': {cause}' if cause else ''}"
        return RunFailedError(text, where, state=state)
    first = failed[0]
    others = f" (and {', '.join(step.name for step in failed[1:])})" if len(failed) > 1 else ""
    cause = first.error or _cause(run)
    what = f"the driver of the step {first.name}" if first.in_driver else f"the step {first.name}"
    text = f"the run {name} {past(state)}: {what}"
    text += f" failed after {first.seconds:.0f} s{others}{f': {cause}' if cause else ''}"
    try:
        log = "\n".join(step_log(kfp, run, first, document, _LOG_LINES))
    except KfpError as error:
        return RunFailedError(f"{text}; {error.message}", f"{where}; {error.remedy}", state=state, step=first.name)
    return RunFailedError(f"{text}; the last lines of its log:\n{log}", where, state=state, step=first.name, log=log)


def past(state: str) -> str:
    """A final state as a verb: `failed`, `was canceled`."""
    return {"canceled": "was canceled", "skipped": "was skipped"}.get(state, state)


def _cause(run: Any) -> str:
    """Why a run failed, if the API says it."""
    errors = [run.error, *(one.error for one in reversed(run.state_history or []))]
    return next((str(error.message) for error in errors if error and error.message), "")
