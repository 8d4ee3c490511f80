"""Tries settings side by side, all in one image, and keeps the best model.

fairing-kfp run pipelines/hyperparameter_search.py -p degrees='[1, 3]'
"""

import json
from itertools import product
from pathlib import Path
from typing import NamedTuple

from curve import Curve, load_points, measure, save_points
from kfp import dsl
from pages import page

from fairing_kfp import fairing_component


class Grid(NamedTuple):
    settings: list


class Best(NamedTuple):
    degree: int
    penalty: float
    error: float


@fairing_component
def prepare(
    degrees: list,
    penalties: list,
    training_points: dsl.Output[dsl.Dataset],
    validation_points: dsl.Output[dsl.Dataset],
) -> Grid:
    """Makes points to learn from and to judge by, and the settings to try."""
    save_points(measure(60, seed=1, noise=0.3), training_points.path)
    save_points(measure(60, seed=2, noise=0.3), validation_points.path)
    return Grid([{"degree": degree, "penalty": penalty} for degree, penalty in product(degrees, penalties)])


@fairing_component
def trial(
    setting: dict,
    training_points: dsl.Input[dsl.Dataset],
    validation_points: dsl.Input[dsl.Dataset],
    trial_model: dsl.Output[dsl.Model],
    trial_metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Learns with one setting; the model's file says how well it does."""
    curve = Curve.fit(load_points(training_points.path), int(setting["degree"]), setting["penalty"])
    error = curve.error(load_points(validation_points.path))
    tried = {**setting, "error": error, "coefficients": curve.coefficients}
    Path(trial_model.path).write_text(json.dumps(tried))
    trial_metrics.log_metric("degree", setting["degree"])
    trial_metrics.log_metric("penalty", setting["penalty"])
    trial_metrics.log_metric("error", error)


@fairing_component
def choose(
    trial_models: dsl.Input[list[dsl.Model]],
    best_model: dsl.Output[dsl.Model],
    best_metrics: dsl.Output[dsl.Metrics],
    search_report: dsl.Output[dsl.HTML],
) -> Best:
    """Keeps the model with the smallest error; of equal ones, the simplest."""
    tried = [json.loads(Path(model.path).read_text()) for model in trial_models]
    tried.sort(key=lambda one: (one["error"], one["degree"], -one["penalty"]))
    best = tried[0]
    Curve(best["coefficients"]).save(best_model.path)
    best_metrics.log_metric("error", best["error"])
    best_metrics.log_metric("trials", len(tried))
    names = ("degree", "penalty", "error")
    verdict = f"Degree {int(best['degree'])} with penalty {best['penalty']} is the best of {len(tried)}"
    Path(search_report.path).write_text(page(verdict, names, ([one[name] for name in names] for one in tried)))
    return Best(int(best["degree"]), best["penalty"], best["error"])


@dsl.pipeline(name="hyperparameter-search", description="Tries settings side by side, and keeps the best model.")
def hyperparameter_search(degrees: list = [1, 2, 3, 6], penalties: list = [0.01, 1.0]) -> float:
    prepared = prepare(degrees=degrees, penalties=penalties)
    points = {name: prepared.outputs[name] for name in ("training_points", "validation_points")}
    with dsl.ParallelFor(prepared.outputs["settings"], parallelism=4) as setting:
        tried = trial(setting=setting, **points)
    best = choose(trial_models=dsl.Collected(tried.outputs["trial_model"]))
    return best.outputs["error"]
