"""Jobs and models on this machine, without Docker, registry or cluster."""

from __future__ import annotations

import atexit
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.work.endpoint import EndpointHandle
from fairing_kfp.classic.work.job import JobHandle, Log
from fairing_kfp.classic.work.task import ServeTask, TrainTask
from fairing_kfp.errors import ConfigError
from fairing_kfp.local.run import run
from fairing_kfp.local.server import serve_locally

if TYPE_CHECKING:
    from fairing_kfp.display.event import Event
    from fairing_kfp.serving.client.endpoint import Endpoint


class LocalPlace:
    """Runs code with this interpreter, from the layers of its image."""

    logged = False

    def train(self, task: TrainTask) -> JobHandle:
        """Runs the code in a process; see `Place`."""
        name = task.name or str(task.component.name)

        def follow(log_line: Log) -> Any:
            def show(event: Event) -> None:
                if event.kind in ("log", "warn"):
                    log_line(event.text)

            folder = tempfile.mkdtemp(prefix="fairing-kfp-")
            done = run(task.component, output=folder, reuse=False, on_event=show, **task.settings)
            step = done.steps[0]
            return task.collect({name: Path(path) for name, path in step.artifacts.items()}, step.outputs)

        return JobHandle(name, follow, lambda: None)

    def serve(self, task: ServeTask) -> EndpointHandle:
        """Starts a server on loopback, which ends with this process; see `Place`.

        Raises:
            ConfigError: the model needs a KServe runtime, or is an image.
        """
        if not hasattr(task.predictor, "source"):
            raise ConfigError(
                f"{task.name} cannot be served on this machine: it is no class of Python",
                "serve it in a cluster, or serve a class with predict",
            )
        stack = contextlib.ExitStack()
        endpoint = stack.enter_context(serve_locally(task.predictor.source, **task.settings))
        atexit.register(stack.close)

        @contextlib.contextmanager
        def connect() -> Iterator[Endpoint]:
            yield endpoint

        def delete() -> None:
            stack.close()
            atexit.unregister(stack.close)

        return EndpointHandle(endpoint.url, connect, delete)
