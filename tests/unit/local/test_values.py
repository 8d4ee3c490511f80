"""Values as KFP 2.17 passes them: numbers and text as seen on a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.values import as_passed, as_text, as_type, filled, parsed, selected


@pytest.mark.parametrize(
    ("value", "passed"),
    [
        ([1.0, {"a": 2.0, "b": [2.5, True, None, "1.0"]}], [1, {"a": 2, "b": [2.5, True, None, "1.0"]}]),
        (2**53 + 1, 2**53),
        (1e21, 1e21),
        (-0.1, -0.1),
        ((1, 2.0), [1, 2]),
        (float(10**20), 10**20),
    ],
)
def test_whole_numbers_are_integers(value: Any, passed: Any) -> None:
    assert repr(as_passed(value)) == repr(passed)


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (True, "true"), ("é", "é"), ({"a": ["é", 1]}, '{"a":["é",1]}'), (None, "")]
)
def test_any_value_is_text_for_a_string(value: Any, text: str) -> None:
    assert as_text(value) == as_type(value, "STRING", "it") == text


@pytest.mark.parametrize(
    ("value", "kind"), [("1", "NUMBER_INTEGER"), (True, "NUMBER_DOUBLE"), (1, "BOOLEAN"), ({}, "LIST"), ([], "STRUCT")]
)
def test_other_types_are_not_converted(value: Any, kind: str) -> None:
    with pytest.raises(PipelineError, match=f"the item is of the type {kind}, and gets"):
        as_type(value, kind, "the item")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7\n", "NUMBER_INTEGER", 7),
        ("7", "NUMBER_DOUBLE", 7),
        ("0.5", "NUMBER_DOUBLE", 0.5),
        ("True", "BOOLEAN", True),
        ('{"A": 1.0}', "STRUCT", {"A": 1}),
        ("[1, 2.0]", "LIST", [1, 2]),
        ("a\n", "STRING", "a\n"),
    ],
)
def test_files_of_outputs_are_parsed(text: str, kind: str, value: Any) -> None:
    assert repr(parsed(text, kind, "it")) == repr(value)


@pytest.mark.parametrize(
    ("text", "kind"), [("7.5", "NUMBER_INTEGER"), ("NaN", "NUMBER_DOUBLE"), ("", "STRUCT"), ("maybe", "BOOLEAN")]
)
def test_files_of_another_type_are_rejected(text: str, kind: str) -> None:
    with pytest.raises(PipelineError, match=f"the file of it contains .*not of the type {kind}"):
        parsed(text, kind, "it")


def test_fields_of_items_are_selected() -> None:
    assert selected({"a": [{"b c": 5}]}, 'parseJson(string_value)["a"][0]["b c"]') == 5
    assert selected('{"a": 1}', 'parseJson(string_value)["a"]') == 1
    with pytest.raises(KeyError):
        selected({"a": 1}, 'parseJson(string_value)["b"]')


def test_text_is_filled_as_by_the_launcher_of_kfp() -> None:
    rate = "{{$.inputs.parameters['rate']}}"
    other = "{{$.inputs.parameters['other']}}"

    assert filled({"a": [f"is {rate}"], "b": 1}, {"rate": 3}) == {"a": ["is 3"], "b": 1}
    assert filled(other, {"rate": 3}) == other
    with pytest.raises(ValueError, match="line 1"):
        filled(rate, {"rate": {"a": 1}})
