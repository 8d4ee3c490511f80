"""Integers that KFP would round are refused before anything is sent."""

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.trace import trace

BIG = 2**53 + 1


@fairing_component
def seed(value: int) -> int:
    return value


@fairing_component
def scale(rate: float) -> float:
    return rate


@dsl.pipeline
def constant():
    seed(value=BIG)


@dsl.pipeline
def default(start: int = -BIG):
    seed(value=start)


@fairing_component
def count(limit: int = BIG) -> int:
    return limit


@dsl.pipeline
def of_component():
    count()


@dsl.pipeline
def items():
    with dsl.ParallelFor([{"a": 1}, {"a": BIG}]) as item:
        seed(value=item.a)


@dsl.pipeline
def exact(start: int = 2**53 - 1, rate: float = 1e300, table: dict = {"a": 1e16}):  # noqa: B006
    seed(value=start)
    seed(value=-(2**53) + 1)
    scale(rate=float(BIG))


@pytest.mark.parametrize(
    ("pipeline", "owner"),
    [
        (constant, "value of seed"),
        (default, "the pipeline default: the default of start"),
        (of_component, "count: the default of limit"),
        (items, "loop for-loop"),
    ],
)
def test_rounded_integers_are_refused(pipeline: Any, owner: str) -> None:
    with pytest.raises(PipelineError, match=rf"{owner}.* an integer beyond 2\*\*53") as caught:
        trace(pipeline)
    assert caught.value.remedy == "pass it as a string"


def test_exact_ones_and_floats_pass() -> None:
    specification = trace(exact).specification

    assert check_arguments(specification, {"start": str(2**53)}) == {"start": 2**53}
    with pytest.raises(PipelineError, match="start is or contains an integer beyond"):
        check_arguments(specification, {"start": str(BIG)})
    with pytest.raises(PipelineError, match="table is or contains an integer beyond"):
        check_arguments(specification, {"table": {"a": [BIG]}})
