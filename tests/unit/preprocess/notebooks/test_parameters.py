"""Parameters that a cell declares."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.preprocess.notebooks.parameters import Parameter, read_parameters, type_of


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
        ("bucket = make()  # where to", Parameter("bucket", str, None, "where to")),
        ("path = f'{home}/data'", Parameter("path", str)),
        ("path = home + '/data'", Parameter("path", str)),
        ("path = os.path.join(a, 'b')", Parameter("path", str)),
        ("key = os.environ['KEY']", Parameter("key", str)),
        ("key = settings.key", Parameter("key", str)),
        ("count = 2 * 21", Parameter("count", int)),
        ("rate = 10 ** -3 / 2", Parameter("rate", float)),
        ("rate = 10 * .5", Parameter("rate", float)),
        ("count = int(os.environ.get('N', 3))", Parameter("count", int)),
        ("names = [name for name in other]", Parameter("names", list)),
        ("names = ['a'] + other", Parameter("names", list)),
        ("sizes = [n, 2]", Parameter("sizes", list)),
        ("options = {'n': n}", Parameter("options", dict)),
        ("on = n > 3", Parameter("on", bool)),
        ("when = make()  # type: float  seconds", Parameter("when", float, None, "seconds")),
    ],
)
def test_one(source: str, expected: Parameter) -> None:
    assert read_parameters(source) == (expected,)


@pytest.mark.parametrize(
    "source",
    [
        *("import os", "x: int", "a, b = 1, 2", "x.y = 1", "x = {1, 2}", "x: Path = 'p'[0]", "x += 1", "x: Path = f()"),
        *("x = lambda: 1", "x = {n}", "x = (n for n in y)", "x = b'1'", "def f(): pass"),
    ],
)
def test_none(source: str) -> None:
    assert read_parameters(source) == ()


def test_the_last_assignment_counts() -> None:
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
