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
class Waits:
    """A predictor that answers at once, and instances that are true once its model, a file, has the text `answer`."""

    def load(self, model_path: str) -> None:
        self.model = Path(model_path)

    def predict(self, instances: list):
        while any(instances) and self.model.read_text() != "answer":
            time.sleep(0.05)
        return instances


@fairing_component
class Products:
    """A predictor without packages that multiplies lists of numbers by one, which is the model."""

    def load(self, model_path: str) -> None:
        self.factor = float(Path(model_path).read_text())

    def predict(self, instances: list):
        return [[one * self.factor for one in instance] for instance in instances]

    def explain(self, instances: list):
        return {"factor": self.factor}


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
