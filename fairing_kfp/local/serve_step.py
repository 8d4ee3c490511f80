"""A serve step of a local run: the predictor serves on loopback until the run ends.

Later steps of the run may send it requests. The server belongs to a supervisor, a process that outlives the step and
ends with the run: the run keeps a named pipe open, and the supervisor waits until no process has it open any more. So
it ends even if the run is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import FairingError, ServingError
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.stop import Stop
from fairing_kfp.serving.backend import resource
from fairing_kfp.serving.model import Model, input_artifact
from fairing_kfp.serving.outputs import write_outputs
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import send_sample
from fairing_kfp.serving.spec import ServingSpec

_FOLDER = ".serving"
_LIFELINE = "lifeline"
_POLL_SECONDS = 0.05
_MAX_CHARACTERS = 160  # of a request or response in the log


@contextlib.contextmanager
def lifeline(run: Path) -> Iterator[None]:
    """Keeps the servers of a run alive until the block ends.

    Args:
        run: folder of the run.
    """
    path = run / _FOLDER / _LIFELINE
    path.parent.mkdir()
    os.mkfifo(path)
    opened = os.open(path, os.O_RDWR)
    try:
        yield
    finally:
        os.close(opened)


def run_serve_step(
    launch: Launch, executor_input: Mapping[str, Any], run: Path, log_line: Callable[[str], None], stop: Stop
) -> int:
    """Runs a serve step and returns its exit code.

    Args:
        launch: starts the predictor's server; contains the step's spec.
        executor_input: KFP's ExecutorInput.
        run: folder of the run.
        log_line: called with each line for the step's log.
        stop: ends the wait for the server.

    Raises:
        StoppedError: the run was interrupted.
    """
    spec = ServingSpec.parse(launch.serving_spec)
    artifact = input_artifact(executor_input)
    began = time.monotonic()
    try:
        if spec.model_format:
            raise ServingError(f"{spec.name} needs a KServe runtime, which a local run does not have", "run it on KFP")
        url = _start_supervisor(launch, spec, artifact, run, log_line, stop)
        log_line(f"{spec.name} serves at {url} until the run ends; on Kubernetes it is a {resource(spec)}")
        seconds = time.monotonic() - began
        exchange = None
        if spec.sample is not None:
            exchange = send_sample(url, spec.name, spec.sample)
            log_line(f"sample request: {_shortened(exchange.request)}")
            log_line(f"response: {_shortened(exchange.response)}")
        if spec.register:
            log_line(f"{spec.name} is not registered in the Model Registry, since this is a local run")
    except FairingError as error:
        log_line(f"fairing-kfp: {error}")
        return 1
    result = ServeResult(
        spec=spec,
        namespace="",
        endpoint=url,
        image=launch.image,
        model=artifact[1] if artifact else "",
        size=Model.of_artifact(*artifact).size if artifact else 0,
        exchange=exchange,
        seconds=[("start", seconds)],
    )
    write_outputs(result, executor_input["outputs"])
    return 0


def _start_supervisor(
    launch: Launch,
    spec: ServingSpec,
    artifact: tuple[Path, str] | None,
    run: Path,
    log_line: Callable[[str], None],
    stop: Stop,
) -> str:
    """Starts a supervisor, waits until its server is ready, and returns the server's URL."""
    ready = run / _FOLDER / f"{spec.name}.json"
    ready.unlink(missing_ok=True)
    config = {"launch": replace(launch, name=spec.name).__dict__, "model": str(artifact[0]) if artifact else None}
    log = ready.with_suffix(".log")
    with log.open("wb") as out:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "fairing_kfp.local.serve_step", json.dumps(config), str(ready)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    while not ready.exists():
        stop.check()
        if supervisor.poll() is not None:
            raise ServingError(
                f"the server did not start:\n{log.read_text(errors='replace').strip()}", "fix the error in its log"
            )
        time.sleep(_POLL_SECONDS)
    for line in log.read_text(errors="replace").splitlines():
        log_line(line)
    return str(json.loads(ready.read_text())["url"])


def supervise(config: Mapping[str, Any], ready: Path) -> int:
    """Serves until the run ends, and returns the exit code.

    Args:
        config: `launch` and `model`, as JSON values.
        ready: file to write the URL to when the server is ready.
    """
    from fairing_kfp.local.server import start_server

    launch = Launch(**config["launch"])
    launch = replace(launch, env={**launch.env, "FAIRING_MODEL_NAME": launch.name})
    pipe = os.open(ready.parent / _LIFELINE, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with start_server(launch, config["model"], log_line=lambda line: print(line, flush=True)) as server:  # noqa: T201
            partial = ready.with_suffix(".partial")
            partial.write_text(json.dumps({"url": server.endpoint.url}))
            partial.replace(ready)
            select.select([pipe], [], [])  # nobody writes: it becomes readable when the last writer closes it
    except FairingError as error:
        print(f"fairing-kfp: {error}", flush=True)  # noqa: T201
        return 1
    return 0


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


if __name__ == "__main__":
    sys.exit(supervise(json.loads(sys.argv[1]), Path(sys.argv[2])))
