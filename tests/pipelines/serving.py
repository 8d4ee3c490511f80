"""Trains, judges and serves a number by which sums are multiplied."""

import json
from pathlib import Path

from kfp import dsl

from fairing_kfp import Autoscaling, fairing_component, serve
from fairing_kfp.cluster.mutators import resources


@fairing_component
class Sums:
    """Multiplies the sum of each instance by the number in its model; a model without one cannot be loaded."""

    def load(self, model_path: str) -> None:
        path = Path(model_path)
        with (path / "factor.json" if path.is_dir() else path).open() as file:
            self.factor = json.loads(file.readline())["factor"]

    def predict(self, instances: list) -> list:
        return [self.factor * sum(one) for one in instances]


@fairing_component
def train(factor: float, model: dsl.Output[dsl.Model]) -> None:
    Path(model.path).write_text(json.dumps({"factor": factor}))


@fairing_component
def evaluate(model: dsl.Input[dsl.Model]) -> float:
    return float(json.loads(Path(model.path).read_text())["factor"])


@fairing_component
def predict(endpoint: str) -> float:
    import urllib.request

    body = json.dumps({"instances": [[1, 2], [3, 4]]}).encode()
    with urllib.request.urlopen(f"{endpoint}/v1/models/sums:predict", body) as answer:
        return float(json.load(answer)["predictions"][1])


@dsl.pipeline
def sums(factor: float = 2.0):
    trained = train(factor=factor)
    judged = evaluate(model=trained.outputs["model"])
    with dsl.If(judged.output > 1.0):
        served = serve(Sums, name="sums", model=trained.outputs["model"], sample=[[1, 2, 3]])
        predict(endpoint=served.outputs["endpoint"])


@dsl.pipeline
def by_kserve(factor: float = 2.0):
    trained = train(factor=factor)
    serve(
        Sums,
        name="sums",
        model=trained.outputs["model"],
        target="kserve",
        autoscaling=Autoscaling(least=2, most=5),
        mutators=[resources(cpu="500m", memory="1Gi")],
        registry_secret="registry-login",
        sample={"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]},
    )
