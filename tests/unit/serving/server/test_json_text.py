"""JSON by msgspec and by Python: the same values."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.serving.server import json_text

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


def _outcome(text: bytes, read: Any) -> Any:
    try:
        return repr(read(text))
    except (ValueError, RecursionError) as error:
        return type(error) is RecursionError


@given(_VALUES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_value_is_read_as_python_reads_it(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert _outcome(text, json_text.loads) == _outcome(text, json.loads)


_ODD = (
    *(b"", b"{", b"[1,]", b"01", b"1e400", b"[NaN, -Infinity]", b"1" * 5000, b"-18446744073709551617", b'"\\ud800"'),
    *(b"\xff", b'"\xff"', b"\xef\xbb\xbf1", '"\u00fc"'.encode("utf-16"), b'{"a": 1, "a": 2}', b'"a\tb"', b" 1 "),
)


@pytest.mark.parametrize("text", _ODD)
def test_odd_text_is_read_as_python_reads_it(text: bytes) -> None:
    assert _outcome(text, json_text.loads) == _outcome(text, json.loads)


@pytest.fixture
def without_msgspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_DECODER", None)
    monkeypatch.setattr(json_text, "_ENCODER", None)


def test_python_reads_json_without_msgspec(without_msgspec: None) -> None:
    assert json_text.loads(b'{"a": [1, 2.5]}') == {"a": [1, 2.5]}
    assert json_text.dumps_numbers([1]) is None


def test_numbers_that_are_not_finite_are_null() -> None:
    assert json_text.dumps_numbers([1, 2.5, math.nan, math.inf, 2**70, True]) == b"[1,2.5,null,null,%d,true]" % 2**70
