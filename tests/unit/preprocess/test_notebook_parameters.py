"""What a cell of parameters declares."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.preprocess.notebook_parameters import Parameter, read_parameters, type_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("depth = 8", Parameter("depth", int, 8)),
        ("depth = -8  # how deep", Parameter("depth", int, -8, "how deep")),
        ("depth = 8  # type: int", Parameter("depth", int, 8)),
        ("depth = 8  # type: int  how deep", Parameter("depth", int, 8, "how deep")),
        ("depth = 8  # type: int # how deep", Parameter("depth", int, 8, "how deep")),
        ("rate = 1  # type: float", Parameter("rate", float, 1.0)),
        ("rate: float = 1", Parameter("rate", float, 1.0)),
        ("on = True", Parameter("on", bool, True)),
        ("name: 'str' = 'x'", Parameter("name", str, "x")),
        ("sizes = [1, 2]  # type: List[int]  of layers", Parameter("sizes", list, [1, 2], "of layers")),
        ("sizes = (1, 2)", Parameter("sizes", list, [1, 2])),
        ("more: dict[str, int] = {'a': 1}", Parameter("more", dict, {"a": 1})),
        ("limit: int | None = None", Parameter("limit", int)),
        ("limit: typing.Optional[float] = None", Parameter("limit", float)),
        ("limit = None", Parameter("limit", str)),
        ("limit = None  # type: int | None  at most", Parameter("limit", int, None, "at most")),
        ("text = '# type: int'", Parameter("text", str, "# type: int")),
        ("seed: int = hash('x')", Parameter("seed", int)),
    ],
)
def test_one(source: str, expected: Parameter) -> None:
    assert read_parameters(source) == (expected,)


@pytest.mark.parametrize(
    "source", ["import os", "x = f()", "x: int", "a, b = 1, 2", "x.y = 1", "x = {1, 2}", "x: Path = 'p'[0]", "x += 1"]
)
def test_none(source: str) -> None:
    assert read_parameters(source) == ()


def test_the_last_of_a_name_counts() -> None:
    assert read_parameters("a = 1\nb = 2\na = 'x'") == (Parameter("a", str, "x"), Parameter("b", int, 2))


VALUES = st.one_of(
    st.text(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(), st.integers(), max_size=3),
)


@given(VALUES)
def test_literals_are_read_as_they_are(value: Any) -> None:
    assert read_parameters(f"x = {value!r}") == (Parameter("x", type(value), value),)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("list[int]", list),
        ("Optional[int]", int),
        ("t.Dict", dict),
        ("None | str", str),
        ("'int'", int),
        ("Path", None),
    ],
)
def test_types(annotation: str, expected: type | None) -> None:
    assert type_of(ast.parse(annotation, mode="eval").body) is expected
