"""A notebook as a step: line.ipynb runs as a whole, and a function uses what it made.

fairing-kfp run samples/notebook/pipeline.py -p hours=8
"""

import json
from pathlib import Path

from kfp import dsl

from fairing_kfp import fairing_component

fit = fairing_component.from_notebook(
    "line.ipynb",
    arguments={"model": dsl.Output[dsl.Model], "error": dsl.OutputPath(float)},
    include=["measurements.csv"],
)


@fairing_component
def predict(model: dsl.Input[dsl.Model], hours: float) -> float:
    """How much there will be."""
    line = json.loads(Path(model.path).read_text(encoding="utf-8"))
    return round(line["slope"] * hours + line["intercept"], 2)


@dsl.pipeline
def notebook(hours: float = 10.0, limit: float = 1.0):
    """Fits a line in a notebook; a limit of 0 makes the notebook fail, and the run with it."""
    fitted = fit(limit=limit)
    predict(model=fitted.outputs["model"], hours=hours)
