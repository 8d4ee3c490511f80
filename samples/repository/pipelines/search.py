"""Fits a line for each penalty, and gives the least error.

fairing-kfp run pipelines/search.py -p 'penalties=[0, 5, 50]'
"""

from typing import cast

from deliveries.steps import collect, fit, judge, least
from kfp import dsl


@dsl.pipeline(name="search", description="Looks for the best penalty.")
def search(count: int = 200, penalties: list = [0.0, 10.0, 1000.0]) -> float:
    known, unknown = collect(count=count, seed=1), collect(count=count, seed=2)
    with dsl.ParallelFor(penalties) as penalty:
        fitted = fit(deliveries=known.outputs["deliveries"], penalty=cast(float, penalty))
        judged = judge(deliveries=unknown.outputs["deliveries"], model=fitted.outputs["model"])
    return least(errors=cast(list, dsl.Collected(judged.outputs["Output"]))).outputs["Output"]
