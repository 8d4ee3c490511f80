"""Trains, judges, serves, and asks what is served.

fairing-kfp run pipelines/train_and_serve.py -p degree=3
"""

import json
import urllib.request
from pathlib import Path
from typing import NamedTuple

from curve import Curve, load_points, measure, save_points
from kfp import dsl
from pages import page

from fairing_kfp import fairing_component, serve


class Judged(NamedTuple):
    error: float


@fairing_component
def train(
    degree: int, points: int, new_model: dsl.Output[dsl.Model], validation_points: dsl.Output[dsl.Dataset]
) -> None:
    """Learns from some points, and makes others to judge by."""
    Curve.fit(measure(points, seed=1, noise=0.2), degree, penalty=0.01).save(new_model.path)
    save_points(measure(100, seed=2, noise=0.2), validation_points.path)


@fairing_component
def judge(
    limit: float,
    new_model: dsl.Input[dsl.Model],
    validation_points: dsl.Input[dsl.Dataset],
    model_metrics: dsl.Output[dsl.Metrics],
    model_report: dsl.Output[dsl.HTML],
) -> Judged:
    """Measures the error on points that the model has not seen; above the limit, nothing is served."""
    error = Curve.load(new_model.path).error(load_points(validation_points.path))
    model_metrics.log_metric("error", error)
    verdict = "Good enough to be served" if error <= limit else "Not served: the error is above the limit"
    Path(model_report.path).write_text(page(verdict, ("", "mean squared error"), (("model", error), ("limit", limit))))
    return Judged(error)


@fairing_component
class Cubic:
    """Answers a list of numbers with the curve's values."""

    def load(self, model_path: str) -> None:
        self.curve = Curve.load(model_path)

    def predict(self, instances: list) -> list:
        return [self.curve.at(x) for x in instances]


@fairing_component
def ask(
    endpoint: str,
    new_model: dsl.Input[dsl.Model],
    answer_metrics: dsl.Output[dsl.Metrics],
    answer_report: dsl.Output[dsl.HTML],
) -> None:
    """Fails unless what is served answers as the model does."""
    curve, instances = Curve.load(new_model.path), [-1.0, 0.0, 0.5, 1.0]
    body = json.dumps({"instances": instances}).encode()
    with urllib.request.urlopen(f"{endpoint}/v1/models/cubic:predict", body, timeout=60) as response:
        answers = json.load(response)["predictions"]
    rows = [(x, curve.at(x), answer) for x, answer in zip(instances, answers, strict=True)]
    largest = max(abs(wanted - answer) for _, wanted, answer in rows)
    answer_metrics.log_metric("largest_difference", largest)
    verdict = "The endpoint answers as the model does" if largest < 1e-9 else "The endpoint answers otherwise"
    Path(answer_report.path).write_text(page(verdict, ("x", "model", "endpoint"), rows))
    if largest >= 1e-9:
        raise ValueError(f"the endpoint {endpoint} answers otherwise than the model: a difference of {largest}")


@dsl.pipeline(name="train-and-serve", description="Trains, judges, serves, and asks what is served.")
def train_and_serve(degree: int = 3, points: int = 80, limit: float = 0.1):
    trained = train(degree=degree, points=points)
    new_model = trained.outputs["new_model"]
    judged = judge(limit=limit, new_model=new_model, validation_points=trained.outputs["validation_points"])
    with dsl.If(judged.outputs["error"] <= limit):
        served = serve(Cubic, name="cubic", model=new_model, sample=[0.0, 1.0])
        ask(endpoint=served.outputs["endpoint"], new_model=new_model).set_caching_options(False)
