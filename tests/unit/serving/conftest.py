"""Servers in this process, of predictors that are already loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from fairing_kfp.serving.predictor import check
from fairing_kfp.serving.server.app import Api
from fairing_kfp.serving.server.metrics import Metrics
from fairing_kfp.serving.server.model import Model
from fairing_kfp.serving.server.settings import Settings
from fairing_kfp.serving.server.workers import Workers


@pytest.fixture
def serve() -> Callable[..., TestClient]:
    """A client of the server of a class or function; `load=False` leaves it as it is while it loads."""
    return serving


def serving(plain: Any, *, load: bool = True, **settings: Any) -> TestClient:
    metrics = Metrics()
    chosen = Settings(**settings)
    model = Model(plain, check(plain, {}, "digits"), "digits", chosen.model_version, metrics)
    if load:
        model.load("model")
    workers = Workers(chosen.concurrency, chosen.queue, metrics)
    application = Api(model, workers, chosen, metrics, "1.2.3").application()
    client = TestClient(application, raise_server_exceptions=False)
    client.model, client.workers, client.application = model, workers, application  # type: ignore[attr-defined]
    return client
