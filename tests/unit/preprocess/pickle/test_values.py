"""Keys of constants are equal exactly for constants of equal type and value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.preprocess.pickle.values import constant_key

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, math.inf, math.nan]),
    st.sampled_from([0j, complex(0.0, -0.0), complex(-0.0, 0.0), 1 + 0j]),
    st.sampled_from(["", "a", "1", b"", b"a"]),
    st.just(...),
)
CONSTANTS = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3), max_leaves=6
)


def same(left: Any, right: Any) -> bool:
    """Equal in type and value, written without keys."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, frozenset):
        return len(left) == len(right) and all(any(same(a, b) for b in right) for a in left)
    return repr(left) == repr(right)


@given(CONSTANTS, CONSTANTS)
def test_equal_exactly_for_the_same(left: Any, right: Any) -> None:
    assert (constant_key(left) == constant_key(right)) == same(left, right)


@given(CONSTANTS)
def test_hashable(value: Any) -> None:
    assert hash(constant_key(value)) == hash(constant_key(value))


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("value", [[], {}, ([],), Text("x"), (Text("x"),), len], ids=repr)
def test_no_constants(value: Any) -> None:
    assert constant_key(value) is None
