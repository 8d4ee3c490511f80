"""Jobs and models on Kubeflow Pipelines: pipelines of one step."""

from __future__ import annotations

import base64
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.in_step.calls import RESULT
from fairing_kfp.classic.work.endpoint import EndpointHandle
from fairing_kfp.classic.work.job import JobHandle, Log
from fairing_kfp.classic.work.task import ServeTask, TrainTask
from fairing_kfp.errors import KfpError
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.submit import submit
from fairing_kfp.serving.client.endpoint import Endpoint
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.display.event import Event
    from fairing_kfp.remote.run import Run

_KUBEFLOW = "kubeflow"
"""Namespace of runs on an installation for one user."""

_logger = logging.getLogger("fairing_kfp.classic")


class KfpPlace:
    """The configured Kubeflow Pipelines.

    Args:
        namespace: namespace of the runs; that of the settings by default.
    """

    logged = True

    def __init__(self, namespace: str | None = None) -> None:
        self._namespace = namespace

    def train(self, task: TrainTask) -> JobHandle:
        """Submits a pipeline of one step; see `Place`."""
        name = task.name or None
        settings = {**task.settings, "namespace": self._namespace_of_runs()}
        # Fairing ran the code at every call, so no outputs are reused.
        run = submit(task.pipeline(as_job=False), name=name, reuse=False, **settings)
        return JobHandle(run.name, lambda log_line: _result(run, task, log_line), lambda: _cancel(run), run.url)

    def serve(self, task: ServeTask) -> EndpointHandle:
        """Submits a pipeline of one serve step, and waits for its end; see `Place`."""
        namespace = self._namespace_of_runs()
        run = submit(task.pipeline(), **{**task.settings, "namespace": namespace})
        run.wait(on_event=_show)
        namespace = namespace or Settings.load().namespace or _KUBEFLOW
        service = task.name if task.target == "deployment" else f"{task.name}-predictor"

        @contextmanager
        def client() -> Iterator[Endpoint]:
            from fairing_kfp.classic.work.direct import DirectPlace, client_of
            from fairing_kfp.serving.spec import ServingSpec

            spec = ServingSpec(task.name, target=task.target)  # type: ignore[arg-type]
            with client_of(DirectPlace(namespace).cluster, spec) as endpoint:
                yield endpoint

        def delete() -> None:
            from fairing_kfp.classic.work.direct import DirectPlace

            DirectPlace(namespace).delete(task.name, task.target)

        return EndpointHandle(f"http://{service}.{namespace}.svc", client, delete)

    def _namespace_of_runs(self) -> str | None:
        """The namespace to submit to; None for that of the settings, and on an installation for one user.

        Raises:
            KfpError: the host does not answer.
        """
        if self._namespace is None:
            return None
        kfp = connect(replace(Settings.load(), namespace=self._namespace))
        if json.loads(kfp.text("use Kubeflow Pipelines", "/apis/v2beta1/healthz")).get("multi_user"):
            return self._namespace
        _logger.warning("%s serves one user: the namespace %s is not used", kfp.host, self._namespace)
        return None


def _show(event: Event) -> None:
    from fairing_kfp.display import RunDisplay, console

    RunDisplay(console())(event)


def _result(run: Run, task: TrainTask, log_line: Log) -> Any:
    """Follows a run, and makes the result of what its step wrote into the log."""
    results: list[str] = []

    def show(event: Event) -> None:
        if event.kind == "log":
            if event.text.startswith(RESULT):
                results.append(event.text)
            else:
                log_line(event.text)

    run.wait(on_event=show)
    if not task.returns:
        return None
    if not results:
        try:
            log = "\n".join(run.log(step.name) for step in run.steps)
        except KfpError as error:
            warnings.warn(f"the result of {run.name} cannot be read: {error}", RuntimeWarning, stacklevel=2)
            return None
        results = [line for line in log.splitlines() if line.startswith(RESULT)]
    if not results:
        return None
    with tempfile.TemporaryDirectory(prefix="fairing-kfp-") as folder:
        path = Path(folder, "result")
        path.write_bytes(base64.b64decode(results[-1].removeprefix(RESULT)))
        return task.collect({"result": path}, {})


def _cancel(run: Run) -> None:
    if run.last_state not in ("succeeded", "failed", "skipped", "canceled"):
        run.cancel()
