"""Results as JSON: arrays of numbers take another way, to the same values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairing_kfp.serving.server import answers

_ARRAYS = {
    "float64": np.array([[0.1, 1e300, -0.0], [1 / 3, np.nan, np.inf]]),
    "float32": np.array([0.1, 3.0], "f4"),
    "float16": np.array([0.1], "f2"),
    "int8": np.array([-1, 2], "i1"),
    "uint64": np.array([2**64 - 1], "u8"),
    "bool": np.array([True, False]),
    "scalar": np.float32(0.25),
    "no dimension": np.array(5),
    "empty": np.zeros((0, 3)),
    "longdouble": np.array([1.5], np.longdouble),
    "object": np.array([1, "a"], object),
    "series": pd.Series([1.5, None]),
    "nullable": pd.Series([1, None], dtype="Int64"),
}


@pytest.mark.parametrize("name", _ARRAYS)
def test_arrays_are_written_as_their_lists(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def written() -> Any:
        try:
            return json.loads(answers.dumps({"predictions": _ARRAYS[name], "again": _ARRAYS[name]}))
        except TypeError as error:
            return str(error)

    fast = written()
    monkeypatch.setattr(answers, "_dumps_arrays", lambda value: None)
    assert fast == written()


def test_names_are_escaped() -> None:
    assert json.loads(answers.dumps({'a"\n': np.zeros(1)})) == {'a"\n': [0.0]}
