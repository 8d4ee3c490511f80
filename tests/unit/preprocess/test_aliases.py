"""Aliases of types in signatures; typing_extensions has on every Python what Python 3.12 has."""

import dataclasses
import sys
import typing
from typing import Any, NamedTuple, Optional, Union

import pytest
from typing_extensions import TypeAliasType, TypeVar

import fairing_kfp
from fairing_kfp.preprocess.aliases import without_aliases

T = TypeVar("T")
Rows = TypeAliasType("Rows", list[dict])
Maybe = TypeAliasType("Maybe", Optional[T], type_params=(T,))  # noqa: UP045
Pairs = TypeAliasType("Pairs", dict[str, list[T]], type_params=(T,))
Fixed = TypeAliasType("Fixed", list, type_params=(T,))


@dataclasses.dataclass
class Point:
    """A class whose field has an alias with an argument."""

    at: Pairs[int]


class Made(NamedTuple):
    rows: Rows
    count: int


@pytest.mark.parametrize(
    ("hint", "meant"),
    [
        (Rows, list[dict]),
        (list[Rows], list[list[dict]]),
        (Maybe[int], Optional[int]),  # noqa: UP045
        (Maybe[Rows], Optional[list[dict]]),  # noqa: UP045
        (Rows | None, Optional[list[dict]]),  # noqa: UP045
        (Pairs[int], dict[str, list[int]]),
        (Fixed[int], list),
        (int, int),
        (dict[str, Any], dict[str, Any]),
    ],
)
def test_an_alias_is_what_it_stands_for(hint: Any, meant: Any) -> None:
    assert without_aliases(hint) == meant


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements are of Python 3.12")
def test_an_alias_within_itself_is_anything() -> None:
    made: dict[str, Any] = {}
    exec("type Tree = list[Tree] | dict[str, Tree] | int", made)
    assert without_aliases(made["Tree"]) == Union[list[Any], dict[str, Any], int]  # noqa: UP007


def test_kfp_reads_the_types_of_aliases() -> None:
    @fairing_kfp.fairing_component
    def step(rows: Rows, pairs: Pairs[int], count: Maybe[int] = None) -> Made:
        return Made(rows, count or 0)

    inputs = {name: str(one.type) for name, one in step.component_spec.inputs.items()}
    outputs = {name: str(one.type) for name, one in step.component_spec.outputs.items()}
    assert inputs == {"rows": "List", "pairs": "Dict", "count": "Integer"}
    assert outputs == {"rows": "List", "count": "Integer"}
    assert typing.get_type_hints(step.python_func)["rows"] is Rows


def test_fields_of_classes_have_aliases_too() -> None:
    @fairing_kfp.fairing_component
    def step(point: Point) -> int:
        return len(point.at)

    assert str(step.component_spec.inputs["point"].type) == "Dict"
