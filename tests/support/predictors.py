"""Predictors that tests serve, locally and in images."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from fairing_kfp import fairing_component


@fairing_component
class Words:
    """A predictor without packages; the model is a text."""

    def load(self, model_path: str) -> None:
        self.word = Path(model_path).read_text()

    def predict(self, instances: list):
        time.sleep(0.05)
        return [f"{self.word} {one}" for one in instances]


@fairing_component
class Sleeps:
    """A predictor that takes the time of its instances, in seconds."""

    def load(self, model_path: str) -> None:
        pass

    def predict(self, instances: list):
        time.sleep(sum(instances))
        return instances


@fairing_component(packages=["numpy==2.2.*"])
class Scales:
    """A predictor that multiplies arrays by a number, which is the model."""

    def load(self, model_path: str) -> None:
        self.factor = float(Path(model_path).read_text())

    def predict(self, instances: np.ndarray):
        return instances * self.factor

    def explain(self, instances: np.ndarray):
        return {"factor": self.factor}


@fairing_component(serve=True)
def lengths(instances: list[bytes]):
    return [len(one) for one in instances]
