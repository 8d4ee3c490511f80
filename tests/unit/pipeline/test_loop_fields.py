"""Fields of loop items in text and conditions: each input of a task comes from an input that its DAG has."""

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.pipeline.trace import trace


@fairing_component
def say(text: str) -> str:
    return text


@dsl.pipeline
def of_constants():
    with dsl.ParallelFor([{"a": 1, "b": {"d": 2}}]) as item:
        say(text=f"got {item.a}")
        with dsl.If(item.a == 1):
            say(text=f"in {item.a}")


@dsl.pipeline
def of_a_parameter(items: list):
    with dsl.ParallelFor(items) as item:
        say(text=f"got {item.a} and {item.b}")
        with dsl.ParallelFor([1]) as inner:
            say(text=f"{inner} in {item.a}")


@fairing_component
def count(number: int) -> int:
    return number


@fairing_component
def make() -> list[dict]:
    return [{"a": 1, "b": 2}]


@dsl.pipeline
def of_an_output():
    with dsl.ParallelFor(make().output) as item:
        count(number=item.a)
        say(text=f"got {item.a} and {item.b}")
        with dsl.If(item.b == "2"):
            say(text="plain")
            say(text=f"in {item.a}")


@dsl.pipeline
def taken_directly_too():
    with dsl.ParallelFor([{"a": 1, "b": 2}]) as item:
        count(number=item.a)
        with dsl.If(item.b == 2):
            say(text=f"in {item.a} {item.b}")


@pytest.mark.parametrize("pipeline", [of_constants, of_a_parameter, of_an_output, taken_directly_too])
def test_every_input_exists(pipeline: Any) -> None:
    specification = trace(pipeline).specification
    found: list[str] = []
    for dag in (specification.document["root"], *specification.components.values()):
        known = dag.get("inputDefinitions", {}).get("parameters", {})
        for task in dag.get("dag", {}).get("tasks", {}).values():
            for source in task.get("inputs", {}).get("parameters", {}).values():
                assert "-subvar-" not in source.get("taskOutputParameter", {}).get("outputParameterKey", "")
                if "componentInputParameter" in source:
                    assert source["componentInputParameter"] in known
                    found.append(source.get("parameterExpressionSelector", ""))

    assert 'parseJson(string_value)["a"]' in found
