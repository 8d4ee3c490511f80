"""Runs a notebook that fits a line, serves the line, and asks it.

fairing-kfp run pipelines/notebook_then_serve.py -p hours=8
"""

import json
import urllib.request
from pathlib import Path

from kfp import dsl
from pages import page

from fairing_kfp import fairing_component, serve

fit = fairing_component.from_notebook("growth.ipynb", arguments={"line": dsl.Output[dsl.Model]})


@fairing_component
class Growth:
    """Answers hours with grams."""

    def load(self, model_path: str) -> None:
        self.line = json.loads(Path(model_path).read_text())

    def predict(self, instances: list) -> list:
        return [self.line["slope"] * hours + self.line["intercept"] for hours in instances]


@fairing_component
def ask(
    endpoint: str, hours: float, answer_metrics: dsl.Output[dsl.Metrics], answer_report: dsl.Output[dsl.HTML]
) -> None:
    """Asks how much there will be."""
    body = json.dumps({"instances": [hours]}).encode()
    with urllib.request.urlopen(f"{endpoint}/v1/models/growth:predict", body, timeout=60) as response:
        (grams,) = json.load(response)["predictions"]
    answer_metrics.log_metric("grams", grams)
    Path(answer_report.path).write_text(page(f"{grams:.1f} g after {hours:g} hours", ("endpoint",), ((endpoint,),)))


@dsl.pipeline(name="notebook-then-serve", description="Runs a notebook, and serves the model that it makes.")
def notebook_then_serve(hours: float = 10.0, limit: float = 1.0):
    fitted = fit(limit=limit)
    served = serve(Growth, name="growth", model=fitted.outputs["line"], sample=[1.0])
    ask(endpoint=served.outputs["endpoint"], hours=hours).set_caching_options(False)
