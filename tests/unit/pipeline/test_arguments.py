"""Arguments of pipelines."""

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.pipeline.trace import trace


@fairing_component
def use(number: int, ratio: float, on: bool, names: list, table: dict, text: str) -> None: ...


@dsl.pipeline
def typed(number: int, ratio: float = 0.5, on: bool = False, names: list = [], table: dict = {}, text: str = ""):  # noqa: B006
    use(number=number, ratio=ratio, on=on, names=names, table=table, text=text)


@pytest.fixture(scope="module")
def specification() -> Specification:
    return trace(typed).specification


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "6", 6),
        ("ratio", "6", 6.0),
        ("on", "True", True),
        ("names", '["a"]', ["a"]),
        ("table", '{"a": 1}', {"a": 1}),
        ("text", "6", "6"),
    ],
)
def test_text_is_parsed_as_the_type_of_the_parameter(
    specification: Specification, name: str, text: str, value: object
) -> None:
    checked = check_arguments(specification, {"number": 1, name: text})

    assert checked[name] == value
    assert type(checked[name]) is type(value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a value for 'number'"),
        ({"number": 1, "depth": 2}, "no parameter 'depth'"),
        ({"number": "many"}, "number='many' is not of the type integer"),
        ({"number": "true"}, "number='true' is not of the type integer"),
        ({"number": 1, "names": "{}"}, "names='{}' is not of the type list"),
        ({"number": 1.5}, "number=1.5 is not of the type integer"),
        ({"number": True}, "number=True is not of the type integer"),
        ({"number": None}, "number=None is not of the type integer"),
        ({"number": 1, "text": 6}, "text=6 is not of the type string"),
    ],
)
def test_invalid_arguments_are_rejected(specification: Specification, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        check_arguments(specification, arguments)
