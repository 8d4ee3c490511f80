"""In-process servers of loaded predictors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from fairing_kfp.component.predictor_methods import input_types
from fairing_kfp.serving.server.app import Api
from fairing_kfp.serving.server.metrics import Metrics
from fairing_kfp.serving.server.model import Model
from fairing_kfp.serving.server.settings import Settings
from fairing_kfp.serving.server.workers import Workers


@pytest.fixture
def serve() -> Callable[..., TestClient]:
    """A client of a server of a class or function; `load=False` keeps it loading."""
    return serving


def serving(plain: Any, *, load: bool = True, **settings: Any) -> TestClient:
    metrics = Metrics()
    chosen = Settings(**settings)
    model = Model(plain, input_types(plain, {}, "digits"), "digits", chosen.model_version, metrics)
    if load:
        model.load("model")
    workers = Workers(chosen.concurrency, chosen.queue, metrics)
    api = Api(model, workers, chosen, metrics, "1.2.3")
    application = api.application()
    client = TestClient(application, raise_server_exceptions=False)
    client.model, client.workers, client.application = model, workers, application  # type: ignore[attr-defined]
    client.api = api  # type: ignore[attr-defined]
    return client
