"""Collects deliveries, fits a line, and judges it by others.

fairing-kfp run pipelines/train.py -p penalty=10
"""

from deliveries.steps import collect, fit, judge
from kfp import dsl


@dsl.pipeline(name="train", description="Fits how long deliveries take.")
def train(count: int = 200, penalty: float = 0.0) -> float:
    known, unknown = collect(count=count, seed=1), collect(count=count, seed=2)
    fitted = fit(deliveries=known.outputs["deliveries"], penalty=penalty)
    return judge(deliveries=unknown.outputs["deliveries"], model=fitted.outputs["model"]).outputs["Output"]
