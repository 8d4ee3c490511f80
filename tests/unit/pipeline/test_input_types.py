"""Parameters of pipelines that are passed to inputs of types that KFP does not know."""

from typing import Any, Literal

import pytest
from kfp import dsl

from fairing_kfp import fairing_component, job
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.trace import trace
from tests.support.typed_values import Color, Level, Point

POINT = Point(1)
STRUCT = {"x": 3}


@fairing_component
def paint(color: Color, point: Point = POINT, level: Level = Level.LOW) -> str:
    return color.value


@fairing_component
def stop(mode: Literal["now", "later"]) -> None: ...


@dsl.pipeline
def inner(shade: str = "red"):
    paint(color=shade)


@dsl.pipeline
def outer(name: str, mode: str = "now", point: dict = STRUCT, level: int = 1, free: float = 0.5):
    """Paints.

    Args:
        name: what to paint.
    """
    inner(shade=name)
    with dsl.If(free > 0.1), dsl.ParallelFor([1, 2]):
        job(paint)(color=name, point=point, level=level)
    stop(mode=mode)


@pytest.fixture(scope="module")
def traced() -> Any:
    return trace(outer)


def checked(traced: Any, **arguments: Any) -> Any:
    return check_arguments(traced.specification, {"name": "red", **arguments}, traced.typed_inputs)


def test_parameters_are_followed_through_pipelines_conditions_loops_and_jobs(traced: Any) -> None:
    inputs = traced.typed_inputs
    assert {name: sorted((one.component, one.name) for one in found) for name, found in inputs.items()} == {
        "name": [("paint", "color"), ("paint", "color")],
        "mode": [("stop", "mode")],
        "point": [("paint", "point")],
        "level": [("paint", "level")],
    }


def test_arguments_become_json(traced: Any) -> None:
    assert checked(traced, name=Color.BLUE, point=Point(2), level=Level.HIGH, mode="later", free=1) == {
        "name": "blue",
        "point": {"x": 2, "y": 0.5, "color": "red", "inner": []},
        "level": 2,
        "mode": "later",
        "free": 1.0,
    }
    assert checked(traced, point='{"x": 5}', level="2") == {"name": "red", "point": {"x": 5}, "level": 2}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"name": "green"}, r"paint: the input color \(the parameter name\): 'green' is not one of 'red', 'blue'"),
        ({"mode": "never"}, r"stop: the input mode: 'never' is not one of 'now', 'later'"),
        ({"point": '{"x": "a"}'}, r"paint: the input point\.x: 'a' is not an integer"),
        ({"point": "{"}, r"paint: the input point: '{' is not a Point"),
        ({"level": "3"}, r"paint: the input level: 3 is not one of 1, 2"),
        ({"level": "high"}, r"paint: the input level: 'high' is not one of 1, 2"),
        ({"free": "x"}, r"free='x' is not of the type double"),
    ],
)
def test_wrong_arguments(traced: Any, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        checked(traced, **arguments)


def test_descriptions_say_the_values(traced: Any) -> None:
    descriptions = {name: one.get("description") for name, one in traced.specification.parameters.items()}
    assert descriptions == {
        "name": "what to paint. One of 'red', 'blue'.",
        "mode": "One of 'now', 'later'.",
        "point": "A Point (x, y, color, at, inner).",
        "level": "One of 1, 2.",
        "free": None,
    }


def test_a_wrong_default_of_a_pipeline() -> None:
    @dsl.pipeline
    def wrong(mode: str = "never"):
        stop(mode=mode)

    with pytest.raises(PipelineError, match="stop: the input mode: 'never' is not one of"):
        trace(wrong)


def test_a_wrong_constant_of_a_nested_pipeline() -> None:
    @dsl.pipeline
    def wrong():
        inner(shade="green")

    with pytest.raises(PipelineError, match=r"paint: the input color \(the parameter shade\): 'green' is not one of"):
        trace(wrong)


def test_a_wrong_item_of_a_parameter() -> None:
    @dsl.pipeline
    def each(modes: list):
        with dsl.ParallelFor(modes) as mode:
            stop(mode=mode)

    made = trace(each)
    assert check_arguments(made.specification, {"modes": '["now"]'}, made.typed_inputs) == {"modes": ["now"]}
    with pytest.raises(PipelineError, match=r"stop: the input mode \(the parameter modes\)\[1\]: 'then' is not one of"):
        check_arguments(made.specification, {"modes": ["now", "then"]}, made.typed_inputs)


def test_a_wrong_item_of_a_loop() -> None:
    @dsl.pipeline
    def wrong():
        with dsl.ParallelFor(["now", "then"]) as mode:
            stop(mode=mode)

    with pytest.raises(PipelineError, match=r"stop: the input mode .*: 'then' is not one of 'now', 'later'"):
        trace(wrong)
