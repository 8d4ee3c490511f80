"""A train step between others."""

import pathlib

from kfp import dsl

from fairing_kfp import fairing_component, trainjob


@fairing_component
def load(data: dsl.Output[dsl.Dataset]) -> None:
    pathlib.Path(data.path).write_text("1 2 3")


@fairing_component
def train(depth: int, data: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]) -> float:
    if depth < 0:
        raise ValueError("no such depth")
    pathlib.Path(model.path).write_text(pathlib.Path(data.path).read_text())
    model.metadata["depth"] = depth
    return depth / 2


@fairing_component
def judge(score: float, model: dsl.Input[dsl.Model]) -> float:
    assert pathlib.Path(model.path).read_text() == "1 2 3"
    assert model.metadata["depth"] == score * 2
    return score


@dsl.pipeline
def training(depth: int = 4) -> float:
    trained = trainjob(train, nodes=2)(depth=depth, data=load().outputs["data"])
    trained.set_memory_limit("1Gi")
    return judge(score=trained.outputs["Output"], model=trained.outputs["model"]).output
