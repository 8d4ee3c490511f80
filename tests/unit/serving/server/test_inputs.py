"""Arrays of floats take another way than other lists, to the same arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.serving.server import inputs
from fairing_kfp.serving.server.bounds import Bounds
from fairing_kfp.serving.server.http_error import HTTPError

_BOUNDS = Bounds(1_000_000)
_ITEMS = st.floats(width=64) | st.integers() | st.booleans() | st.none() | st.text(max_size=2) | st.just(10**400)
_LISTS = st.recursive(st.lists(st.floats(), max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=6)
_ODD = st.recursive(st.lists(_ITEMS, max_size=3), lambda inner: st.lists(inner | _ITEMS, max_size=3), max_leaves=6)


def _outcome(given_lists: list[Any]) -> Any:
    try:
        array = inputs.of_v1(inputs.ARRAY, {"instances": given_lists}, _BOUNDS)
    except HTTPError as error:
        return error.message
    return array.dtype, array.shape, array.tolist().__repr__(), array.flags.writeable


@given(_LISTS | _ODD)
@settings(max_examples=200, deadline=None)
def test_arrays_are_equal_either_way(lists: list[Any]) -> None:
    fast = _outcome(lists)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_floats", lambda np, given: None)
        assert _outcome(lists) == fast


def test_floats_are_packed_at_once() -> None:
    array = inputs._floats(np, [[1.5, 2], [3, True]])
    assert (array.dtype, array.tolist()) == (np.float64, [[1.5, 2.0], [3.0, 1.0]])
    for other in ([], [[]], [1], ["a"], [[1.5], [1.5, 2.5]], [[1.5], 2.5], [1.5, None], [1.5, [2.5]], [1.5, 10**400]):
        assert inputs._floats(np, other) is None
