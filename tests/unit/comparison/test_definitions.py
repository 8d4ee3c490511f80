"""What changed in Python texts."""

from __future__ import annotations

import warnings

import pytest

from fairing_kfp.comparison.definitions import COMMENTS, changed_definitions, changed_lines

OLD = '''
"""A module."""
import math
from os import path

RATE: float = 0.1
LONG = "a text that is too long for a sentence of its own"


class Net(object):
    """A net."""

    size = 3

    def forward(self, x):
        """Computes."""
        return x


def fit(x):
    return x


if RATE:
    print("here")
'''


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("0.1", "0.5", ["RATE: 0.1 → 0.5"]),
        (": float", ": int", ["RATE changed"]),
        ("too long", "much too long", ["LONG changed"]),
        ("import math", "import cmath", ["the imports changed"]),
        ("size = 3", "size = 4", ["Net.size: 3 → 4"]),
        ("(object)", "", ["the class Net changed"]),
        ("        return x", "        return -x", ["Net.forward() changed"]),
        ("Computes.", "Multiplies.", ["the docstring of Net.forward() changed"]),
        ("A net.", "Layers.", ["the docstring of Net changed"]),
        ("A module.", "Some code.", ["the docstring changed"]),
        ("here", "there", ["the code of the module outside of functions changed"]),
        ("def fit(x):", "def fit(x):  # fast", [COMMENTS]),
        ("def fit(", "def fit_all(", ["fit() removed", "fit_all() added"]),
        ("def fit(", "def fit((", []),
    ],
)
def test_each_change_is_named(before: str, after: str, expected: list[str]) -> None:
    assert OLD.count(before) == 1
    assert changed_definitions(OLD, OLD.replace(before, after)) == expected


def test_texts_with_odd_escapes_cause_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert changed_definitions("a = '\\d'", "a = '\\e'") == [r"a: '\\d' → '\\e'"]


def test_few_lines_are_shown_and_many_are_not() -> None:
    assert changed_lines("    a\n    b\n", "    a\n    c\n") == ["-b", "+c"]
    assert changed_lines("", "\n".join(map(str, range(100)))) == []
