"""Pipelines for Kubeflow Pipelines' stand-in."""

from kfp import dsl

import fairing_kfp


@fairing_kfp.fairing_component
def prepare() -> int:
    return 1


@fairing_kfp.fairing_component
def train(depth: int) -> float:
    return depth / 10


@fairing_kfp.fairing_component
def report(score: float) -> str:
    return f"score {score}"


@fairing_kfp.fairing_component
def several(whole: int) -> int:
    return whole


@dsl.pipeline(name="digits")
def digits(depth: int = 3, label: str = "a"):
    prepared = prepare()
    trained = train(depth=depth).after(prepared)
    with dsl.If(trained.output > 0.1):
        report(score=trained.output)


@dsl.pipeline(name="searched")
def searched():
    with dsl.ParallelFor([1, 2, 3]) as depth:
        train(depth=depth)


@dsl.pipeline(name="mixed")
def mixed():
    given = train(depth=4)
    several(whole=2).after(given)
    with dsl.ParallelFor([1, 2]) as whole:
        several(whole=whole)


@fairing_kfp.fairing_component
def read(table: str) -> str:
    return table


@dsl.pipeline
def with_text(table: str):
    read(table=table)
