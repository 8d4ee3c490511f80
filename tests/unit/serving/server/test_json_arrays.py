"""Arrays straight from JSON: the same as those of lists that are parsed first."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.serving.server import inputs, json_arrays, v1
from fairing_kfp.serving.server.bounds import Bounds
from fairing_kfp.serving.server.http_error import HTTPError

pytestmark = pytest.mark.skipif(json_arrays.simdjson is None, reason=f"no simdjson for Python {sys.version_info[:2]}")

_NUMBERS = st.integers(-(2**65), 2**65) | st.floats(width=32) | st.floats() | st.sampled_from([0, -1, -0.0, 1e300])
_ODD = st.none() | st.booleans() | st.text(max_size=2)
_LISTS = st.recursive(_NUMBERS, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
_EQUAL = st.tuples(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
_BOUNDS = Bounds(1 << 20)


def _described(read: Any, text: bytes) -> Any:
    """The array with its type, or the status of the error."""
    try:
        array = read(text)
    except HTTPError as error:
        return error.status
    return array.dtype.str, array.shape, repr(array.tolist())


def _parsed_first(text: bytes) -> Any:
    return inputs.of_v1(inputs.ARRAY, json.loads(text), _BOUNDS)


def _read(text: bytes) -> Any:
    return v1.read(inputs.ARRAY, text, _BOUNDS)


@given(st.lists(_LISTS | _ODD, max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_list_is_read_as_if_it_were_parsed_first(instances: list[Any]) -> None:
    text = json.dumps({"instances": instances}).encode()
    assert _described(_read, text) == _described(_parsed_first, text)


@pytest.mark.parametrize(
    ("text", "kind"), [(b"[1e-05, 2]", "f8"), (b"[5e-324]", "f8"), (b"[1e5]", "f8"), (b"[1, 2]", "i8")]
)
def test_exponents_make_floats(text: bytes, kind: str) -> None:
    array = json_arrays.instances(b'{"instances": %b}' % text)

    assert array.dtype == kind
    assert array.tolist() == json.loads(text)


@given(_EQUAL)
@settings(max_examples=60, deadline=None)
def test_lists_of_equal_length_are_arrays(given: tuple[list[int], Any]) -> None:
    shape, data = given
    size = int(np.prod(shape))
    flat = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=size, max_size=size))
    text = json.dumps({"instances": np.reshape(flat, shape).tolist()}, indent=1).encode()
    array = json_arrays.instances(text)

    assert array.shape == tuple(shape)
    assert array.ravel().tolist() == flat
    assert array.flags.writeable


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[1.0]",
        b"1.0",
        b'{"instances": 1.0}',
        b'{"instances": []}',
        b'{"instances": [[], []]}',
        b'{"instances": [[1.0, [2]], [3, 4]]}',
        b'{"instances": [[1.0, 2], [3]]}',
        b'{"instances": [1.5], "instances": [2.5]}',
        b'{"instances": [1.5], "other": 1}',
        b'{"instances": [NaN]}',
        b'{"instances": [1.5, 9223372036854775808000]}',
        b'{"instances": %s1.5%s}' % (b"[" * 40, b"]" * 40),
        b'{"instances": %s1.5%s}' % (b"[" * 5000, b"]" * 5000),
        b'{"instances": ["[1.5]"]}',
        b'{"inputs": [1.5]}',
    ],
)
def test_other_values_are_left_to_the_parser(text: bytes) -> None:
    assert json_arrays.instances(text) is None
