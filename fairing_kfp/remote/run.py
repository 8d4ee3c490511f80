"""A run on Kubeflow Pipelines: its state and steps, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fairing_kfp.display.default import run_display
from fairing_kfp.display.event import Event
from fairing_kfp.errors import KfpError
from fairing_kfp.option_signature import lists_options
from fairing_kfp.remote.artifact import RunArtifact
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.errors import is_transient
from fairing_kfp.remote.events import new_events
from fairing_kfp.remote.failure import past, run_failure
from fairing_kfp.remote.log_stream import LogStream
from fairing_kfp.remote.logs import served_log, step_log
from fairing_kfp.remote.outputs import executions_by_step, typed_outputs
from fairing_kfp.remote.pipeline import PipelineDocument
from fairing_kfp.remote.step import FINAL, Step, is_settled, run_state, steps_of
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.pipeline.compile import Compiled
    from fairing_kfp.remote.connect import Kfp
    from fairing_kfp.remote.metadata import Execution

_PAUSES = (1.0, 5.0)  # seconds between two requests: at first, and later
_OUTAGE = 300.0  # seconds for which Kubeflow Pipelines may not answer while a run is followed
_SETTLING = 5  # how often the steps of a run that is over are read again, until they are over, too


class Run:
    """A run on Kubeflow Pipelines.

    Attributes:
        id: its id.
        name: its name.
        compiled: the pipeline and its images, if `submit` compiled it.
    """

    def __init__(self, kfp: Kfp, run: Any, compiled: Compiled | None = None) -> None:
        self._kfp = kfp
        self._run = run
        self._document: PipelineDocument | None = None
        self._seen: dict[str, str] = {}  # the states of steps before a retry
        self._executions: dict[str, Execution] | None = None  # of a run that is over
        self.id = str(run.run_id)
        self.name = str(run.display_name or "")
        self.compiled = compiled

    @classmethod
    @lists_options(SettingOptions, described_by=Settings)
    def get(cls, run_id: str, *, token_file: str | None = None, **settings: Unpack[SettingOptions]) -> Run:
        """A run that was submitted before.

        Args:
            run_id: its id.
            token_file: as for `submit`.
            settings: fields of `fairing_kfp.Settings`: `host`, `namespace` and `ca`.

        Raises:
            KfpError: there is no such run, or Kubeflow Pipelines does not answer.
        """
        kfp = connect(Settings.load(**settings), token_file)
        return cls(kfp, kfp.call(f"read the run {run_id}", kfp.client.runs.run_service_get_run, run_id=run_id))

    def __repr__(self) -> str:
        """The run's id and name."""
        return f"Run(id={self.id!r}, name={self.name!r})"

    def _repr_html_(self) -> str:
        """Its name, page, and the state when it was last read; sends no request."""
        from fairing_kfp.display.html import fragment, link, title

        return fragment(title(self.name, "run", link(self.url, self.last_state) if self.url else self.last_state))

    @property
    def url(self) -> str:
        """Its page; empty if the page's address is unknown (in a pod: set `KF_PIPELINES_UI_ENDPOINT`)."""
        return f"{self._kfp.page}/#/runs/details/{self.id}" if self._kfp.page else ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that it was given."""
        return dict((self._run.runtime_config and self._run.runtime_config.parameters) or {})

    @property
    def created(self) -> datetime | None:
        """When it was created."""
        created: datetime | None = self._run.created_at
        return created

    @property
    def last_state(self) -> str:
        """Its state when it was last read; sends no request."""
        return run_state(self._run)

    @property
    def state(self) -> str:
        """Its current state: `pending`, `running`, `succeeded`, `failed`, `skipped`, `canceling` or `canceled`.

        Raises:
            KfpError: Kubeflow Pipelines does not answer.
        """
        return run_state(self._refreshed())

    @property
    def steps(self) -> tuple[Step, ...]:
        """Its steps, in the order in which they started.

        Raises:
            KfpError: Kubeflow Pipelines does not answer.
        """
        return steps_of(self._refreshed(), self._pipeline().pipeline)

    @property
    def pipeline(self) -> PipelineDocument:
        """Its compiled pipeline, as the API describes it.

        Raises:
            KfpError: Kubeflow Pipelines does not answer.
        """
        return self._pipeline()

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The output parameters so far, by step and name; steps without any are missing.

        Whole numbers are integers, unless the output is declared as a floating point number.

        Raises:
            KfpError: the pages of Kubeflow Pipelines do not serve ML Metadata, or do not answer.
        """
        document = self._pipeline().pipeline
        found = {name: typed_outputs(one, document) for name, one in self.executions.items()}
        return {name: values for name, values in found.items() if values}

    @property
    def artifacts(self) -> tuple[RunArtifact, ...]:
        """The output artifacts so far, of all steps.

        Raises:
            KfpError: as for `outputs`.
        """
        return tuple(
            RunArtifact(step, name, one.type, one.uri, one.metadata, one.store, self._kfp)
            for step, execution in self.executions.items()
            for name, one in sorted(execution.artifacts.items())
        )

    def artifact(self, step: str, name: str) -> RunArtifact:
        """An output artifact of a step.

        Args:
            step: name of the step.
            name: name of the output.

        Raises:
            KfpError: the step has no such artifact, or has not ended; or as for `outputs`.
        """
        its = {one.name: one for one in self.artifacts if one.step == step}
        if name not in its:
            self._step(step)
            raise KfpError(
                f"the step {step} of the run {self.name} has no artifact {name!r}",
                f"its artifacts: {', '.join(its) or 'none so far'}",
            )
        return its[name]

    def wait(
        self, timeout: float | None = None, *, on_event: Callable[[Event], None] | None = None, logs: bool = True
    ) -> Run:
        """Waits for the end of the run.

        Args:
            timeout: how long, in seconds; without end by default.
            on_event: called when a step starts or ends, and with lines of its log, such as
                `fairing_kfp.display.RunDisplay`; by default such a display in notebooks, and nothing elsewhere.
            logs: whether `on_event` gets the logs of steps, if Kubeflow Pipelines or its page serves them.

        Raises:
            RunFailedError: the run failed, or was canceled.
            KfpError: Kubeflow Pipelines does not answer for five minutes, or the time is up; the run goes on.
        """
        start, states = time.monotonic(), dict(self._seen)
        stream = LogStream(lambda step: served_log(self._kfp, self._run, step, self._pipeline()) if logs else "")
        with run_display(on_event) as shown:
            while True:
                run = self._settled(self._patiently_refreshed())
                state = run_state(run)
                if shown is not None:
                    for event in new_events(steps_of(run, self._pipeline().pipeline), states, stream):
                        shown(event)
                if state == "succeeded":
                    return self
                if state in FINAL:
                    raise run_failure(self._kfp, run, self._pipeline(), self.url)
                waited = time.monotonic() - start
                if timeout is not None and waited >= timeout:
                    raise KfpError(
                        f"the run {self.name} is {state} after {timeout:g} s; it goes on", f"see {self.url or self.id}"
                    )
                time.sleep(min(_PAUSES[waited > 60], timeout - waited if timeout is not None else _PAUSES[1]))

    def log(self, step: str, lines: int | None = None) -> str:
        """The log of a step.

        Args:
            step: its name.
            lines: how many of the last lines; all by default.

        Raises:
            KfpError: the run has no such step, or its log cannot be read.
        """
        return "\n".join(step_log(self._kfp, self._run, self._step(step), self._pipeline(), lines))

    def cancel(self) -> None:
        """Cancels the run.

        Raises:
            KfpError: it is over, or may not be canceled.
        """
        state = self.state
        if state in FINAL:
            raise KfpError(f"the run {self.name} is over: it {past(state)}", "submit it again")
        self._kfp.call(f"cancel the run {self.name}", self._kfp.client.runs.run_service_terminate_run, run_id=self.id)

    def retry(self) -> None:
        """Runs the failed steps of the run again, and those after them.

        Raises:
            KfpError: it did not fail, or may not be retried.
        """
        state = self.state
        if state not in ("failed", "canceled"):
            raise KfpError(f"the run {self.name} cannot be retried: it is {state}", "retry a run that failed")
        self._seen = {step.name: step.state for step in self.steps}
        self._kfp.call(f"retry the run {self.name}", self._kfp.client.runs.run_service_retry_run, run_id=self.id)
        self._run, self._executions = self._get(), None

    def _step(self, name: str) -> Step:
        steps = {step.name: step for step in self.steps}
        if name not in steps:
            raise KfpError(f"the run {self.name} has no step {name!r}", f"its steps: {', '.join(steps) or 'none'}")
        return steps[name]

    @property
    def executions(self) -> dict[str, Execution]:
        """What ML Metadata records of its steps so far, by name.

        Raises:
            KfpError: as for `outputs`.
        """
        if self._executions is not None:
            return self._executions
        from fairing_kfp.remote.metadata import executions_of

        steps = self.steps
        found = executions_by_step(steps, executions_of(self._kfp, self.id))
        if run_state(self._run) in FINAL:
            self._executions = found
        return found

    def _refreshed(self) -> Any:
        """The run as it is now; one that is over does not change."""
        if run_state(self._run) not in FINAL or self._run.run_details is None:
            self._run = self._get()
        return self._run

    def _patiently_refreshed(self) -> Any:
        """As `_refreshed`, while Kubeflow Pipelines restarts, too."""
        start = time.monotonic()
        while True:
            try:
                return self._refreshed()
            except KfpError as error:
                if not is_transient(error.status) or time.monotonic() - start > _OUTAGE:
                    raise
                time.sleep(_PAUSES[1])

    def _settled(self, run: Any) -> Any:
        """The run; if it is over, with the last state of its steps, for which it waits a few seconds at most."""
        for _ in range(_SETTLING):
            if run_state(run) not in FINAL or is_settled(run):
                break
            time.sleep(_PAUSES[0])
            run = self._run = self._get()
        return run

    def _get(self) -> Any:
        return self._kfp.call(f"read the run {self.id}", self._kfp.client.runs.run_service_get_run, run_id=self.id)

    def _pipeline(self) -> PipelineDocument:
        """The run's pipeline: submitted with it, or a version of an uploaded one."""
        if self._document is None:
            reference = self._run.pipeline_version_reference
            value = self._run.pipeline_spec
            if not value and reference and reference.pipeline_version_id:
                version = self._kfp.call(
                    f"read the pipeline of the run {self.name}",
                    self._kfp.client.pipelines.pipeline_service_get_pipeline_version,
                    pipeline_id=reference.pipeline_id,
                    pipeline_version_id=reference.pipeline_version_id,
                )
                value = version.pipeline_spec
            self._document = PipelineDocument.from_api(value)
        return self._document
