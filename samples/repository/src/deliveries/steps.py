"""The steps that pipelines are made of."""

import json
from dataclasses import asdict
from pathlib import Path

from kfp import dsl

from deliveries.line import Line, measure
from fairing_kfp import OUTPUT, fairing_component


@fairing_component
def collect(count: int, seed: int, deliveries: dsl.Output[dsl.Dataset] = OUTPUT) -> None:
    """Gets deliveries: here made up, at yours from a warehouse."""
    Path(deliveries.path).write_text(json.dumps(measure(count, seed)))


@fairing_component
def fit(deliveries: dsl.Input[dsl.Dataset], penalty: float, model: dsl.Output[dsl.Model] = OUTPUT) -> None:
    """Fits a line."""
    line = Line.fit(json.loads(Path(deliveries.path).read_text()), penalty)
    Path(model.path).write_text(json.dumps(asdict(line)))
    print(f"{line.start:.1f} minutes, and {line.slope:.2f} for each kilometre")


@fairing_component
def judge(
    deliveries: dsl.Input[dsl.Dataset], model: dsl.Input[dsl.Model], metrics: dsl.Output[dsl.Metrics] = OUTPUT
) -> float:
    """The mean error of a line, in minutes."""
    line = Line(**json.loads(Path(model.path).read_text()))
    error = line.error(json.loads(Path(deliveries.path).read_text()))
    metrics.log_metric("minutes", error)
    return error


@fairing_component
def least(errors: list[float]) -> float:
    """The error of the best line."""
    return min(errors)
