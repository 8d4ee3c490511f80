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
from .life import live
from .logs import log, set_up
from .metrics import Metrics
from .model import Model
from .settings import Settings
from .workers import Workers


def run(predictor: Any, takes: Mapping[str, str], name: str, settings: Settings, release: str) -> int:
    """Serves a predictor until the process is told to end; gives its exit code.

    Args:
        predictor: a class, or a function.
        takes: what its methods take; see `inputs`.
        name: the predictor's name.
        settings: those of the server.
        release: the version of fairing-kfp.
    """
    metrics = Metrics()
    model = Model(predictor, takes, settings.model_name or name, settings.model_version, metrics)
    workers = Workers(settings.concurrency, settings.queue, metrics)
    application = Api(model, workers, settings, metrics, release).application()
    code = loops.run(live(application, model, workers, settings))
    workers.close()
    if workers.idle:
        return code
    # A thread cannot be ended, and Python would wait for it.
    log(logging.WARNING, "the predictor is still at work: it is ended in the midst of it")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


__all__ = ["Settings", "run", "set_up"]
