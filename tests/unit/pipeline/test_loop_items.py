"""Types of loop items, as KFP's driver checks them: it passes an item that is declared as a string as text."""

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.pipeline.trace import trace


@fairing_component
def texts() -> list:
    return ["a"]


@fairing_component
def takes_text(value: str):
    pass


@fairing_component
def takes_int(value: int):
    pass


@fairing_component
def takes_float(value: float):
    pass


@fairing_component
def takes_dict(value: dict):
    pass


@fairing_component
def takes_list(value: list):
    pass


def all_items(pipeline: Any) -> list[str]:
    """The type of each loop item in each DAG that contains it."""
    return sorted(
        one["parameterType"]
        for component in trace(pipeline).specification.components.values()
        if "dag" in component
        for name, one in component.get("inputDefinitions", {}).get("parameters", {}).items()
        if "-loop-item" in name
    )


def loop(*takers: Any) -> Any:
    @dsl.pipeline
    def made():
        with dsl.ParallelFor(texts().output) as item:
            for taker in takers:
                taker(value=item)

    return made


@pytest.mark.parametrize(
    ("takers", "expected"),
    [
        ((takes_int,), "NUMBER_INTEGER"),
        ((takes_float,), "NUMBER_DOUBLE"),
        ((takes_dict,), "STRUCT"),
        ((takes_list,), "LIST"),
        ((takes_text,), "STRING"),
        ((takes_text, takes_int), "NUMBER_INTEGER"),
        ((takes_float, takes_int), "NUMBER_DOUBLE"),
        ((takes_dict, takes_int), "STRING"),
    ],
)
def test_an_item_has_the_type_of_the_inputs_that_it_is_passed_to(takers: Any, expected: str) -> None:
    assert all_items(loop(*takers)) == [expected]


def test_fields_are_read_from_the_item() -> None:
    @dsl.pipeline
    def made(settings: list, mode: str):
        with dsl.ParallelFor(settings) as setting:
            takes_dict(value=setting)
            with dsl.If(mode == "deep"):
                takes_int(value=setting.depth)

    assert all_items(made) == ["STRING", "STRUCT"]  # KFP's driver parses the text of the inner one


def test_items_of_inner_loops() -> None:
    @dsl.pipeline
    def made():
        with dsl.ParallelFor(texts().output) as outer, dsl.ParallelFor(texts().output) as inner:
            takes_int(value=outer)
            takes_float(value=inner)

    assert all_items(made) == ["NUMBER_DOUBLE", "NUMBER_INTEGER", "NUMBER_INTEGER"]


def test_an_item_in_a_condition_stays_a_string() -> None:
    @dsl.pipeline
    def made():
        with dsl.ParallelFor(texts().output) as item, dsl.If(item == "a"):
            takes_text(value=item)

    assert set(all_items(made)) == {"STRING"}


def test_an_item_in_a_text_may_have_any_type() -> None:
    @dsl.pipeline
    def texts_only():
        with dsl.ParallelFor(texts().output) as item:
            takes_text(value=f"item {item}")

    @dsl.pipeline
    def number_too():
        with dsl.ParallelFor(texts().output) as item:
            takes_text(value=f"item {item}")
            takes_int(value=item)

    assert all_items(texts_only) == ["STRING"]
    assert all_items(number_too) == ["NUMBER_INTEGER"]
