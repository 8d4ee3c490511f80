"""Retrains every night, and replaces the model in production only by a better one.

fairing-kfp run pipelines/retrain_with_gate.py -p store=/tmp/models -p night=1
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from curve import Curve, load_points, measure, save_points
from kfp import dsl, kubernetes
from pages import page

from fairing_kfp import fairing_component


class Verdict(NamedTuple):
    decision: str
    new_error: float
    old_error: float


@fairing_component
def collect(night: int, noise: float, points: dsl.Output[dsl.Dataset], judging_points: dsl.Output[dsl.Dataset]) -> None:
    """Gets the points of the night, and those that all nights are judged by."""
    save_points(measure(80, seed=night, noise=noise), points.path)
    save_points(measure(200, seed=0, noise=0.1), judging_points.path)


@fairing_component
def train(points: dsl.Input[dsl.Dataset], new_model: dsl.Output[dsl.Model]) -> None:
    """Learns from the points of the night."""
    Curve.fit(load_points(points.path), degree=3, penalty=0.01).save(new_model.path)


@fairing_component
def judge(
    store: str,
    tolerance: float,
    new_model: dsl.Input[dsl.Model],
    judging_points: dsl.Input[dsl.Dataset],
    gate_metrics: dsl.Output[dsl.Metrics],
    gate_report: dsl.Output[dsl.HTML],
) -> Verdict:
    """Judges both models by the same points; the new one is promoted if it is better by more than the tolerance.

    Without a model in production, it is promoted; old_error is then -1.
    """
    judged_by = load_points(judging_points.path)
    new = Curve.load(new_model.path).error(judged_by)
    gate_metrics.log_metric("new_error", new)
    old_file = Path(store, "production.json")
    rows = [("new", new)]
    if old_file.exists():
        old = Curve.load(str(old_file)).error(judged_by)
        gate_metrics.log_metric("old_error", old)
        rows.append(("in production", old))
        better = new < old - tolerance
        verdict = "Promoted: the new model is better" if better else "Kept: the new model is not better"
    else:
        old, better, verdict = -1.0, True, "Promoted: there is no model in production"
    Path(gate_report.path).write_text(page(verdict, ("model", "mean squared error"), rows))
    print(verdict)
    return Verdict("promote" if better else "keep", new, old)


@fairing_component
def promote(store: str, new_model: dsl.Input[dsl.Model]) -> None:
    """Replaces the model in production; a reader sees the whole old file or the whole new one."""
    Path(store).mkdir(parents=True, exist_ok=True)
    partial = Path(store, "production.partial")
    shutil.copyfile(new_model.path, partial)
    os.replace(partial, Path(store, "production.json"))


@dsl.pipeline(name="retrain-with-gate", description="Retrains, and replaces the model only by a better one.")
def retrain_with_gate(night: int = 1, noise: float = 0.3, tolerance: float = 0.0, store: str = "/models"):
    """Needs a claim named models; it is the store, and the only thing that a night leaves to the next."""
    collected = collect(night=night, noise=noise)
    trained = train(points=collected.outputs["points"])
    new_model = trained.outputs["new_model"]
    judged = judge(
        store=store, tolerance=tolerance, new_model=new_model, judging_points=collected.outputs["judging_points"]
    )
    with dsl.If(judged.outputs["decision"] == "promote"):
        promoted = promote(store=store, new_model=new_model)
    for task in (judged, promoted):
        task.set_caching_options(False)  # the store changes from night to night
        kubernetes.mount_pvc(task, "models", "/models")
