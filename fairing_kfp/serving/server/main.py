"""Starts a predictor's server."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

try:
    import uvloop as loops
except ImportError:  # no wheel for this Python or platform
    import asyncio as loops  # type: ignore[no-redef]

from .app import Api
from .lifecycle import serve
from .logs import log, set_up
from .metrics import Metrics
from .model import Model
from .processes import Process, start_workers
from .relay import Relay
from .settings import Settings
from .workers import Workers

_SWITCH_SECONDS = 0.0005  # the event loop waits at most so long for a predictor in Python; by default ten times as long


def run(
    predictor: Any,
    input_kinds: Mapping[str, str],
    name: str,
    settings: Settings,
    release: str,
    process: Process | None = None,
) -> int:
    """Serves a predictor until the process is stopped by a signal.

    Args:
        predictor: the class or function.
        input_kinds: the kind of input of each method; see `inputs`.
        name: the predictor's name, which the model has by default.
        settings: the server's settings.
        release: the version that the server reports.
        process: this process, if it is one of several.

    Returns:
        The exit code of the process.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    metrics = process.metrics if process else Metrics()
    model = Model(predictor, input_kinds, settings.model_name or name, settings.model_version, metrics)
    relay = Relay(loops.new_event_loop()) if settings.concurrency == 1 else None
    workers = Workers(settings.concurrency, settings.queue, metrics, relay)
    application = Api(model, workers, settings, metrics, release, process).application()
    run_loop = relay.run if relay else loops.run
    code = run_loop(serve(application, model, workers, settings, process))
    workers.close()
    if workers.idle:
        return code
    # Python would wait for the thread, which cannot be stopped.
    log(logging.WARNING, "the predictor is still running; the process exits without waiting for it")
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


__all__ = ["Settings", "run", "set_up", "start_workers"]
