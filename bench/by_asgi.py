"""Our server's ASGI application in another server: `application`, with the model of MODEL."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np

from fairing_kfp.serving.server.app import Api
from fairing_kfp.serving.server.logs import set_up
from fairing_kfp.serving.server.metrics import Metrics
from fairing_kfp.serving.server.model import Model
from fairing_kfp.serving.server.settings import Settings
from fairing_kfp.serving.server.workers import Workers


class Digits:
    def load(self, model_path: str) -> None:
        self.model = pickle.loads(Path(model_path).read_bytes())

    def predict(self, instances: np.ndarray) -> np.ndarray:
        return self.model.predict(instances)  # type: ignore[no-any-return]


_SETTINGS, _METRICS = Settings(), Metrics()
_MODEL = Model(Digits, {"predict": "ndarray"}, "digits", "1", _METRICS)
if "MODEL" in os.environ:  # granian imports the module in its main process, too
    set_up("json", "info")
    _MODEL.load(os.environ["MODEL"])
application = Api(_MODEL, Workers(1, 100, _METRICS), _SETTINGS, _METRICS, "1").application()
