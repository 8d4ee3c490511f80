"""No request gets a 5xx."""

from __future__ import annotations

import json
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairing_kfp.serving.server.datatypes import DATATYPES
from fairing_kfp.serving.server.tensors import HEADER
from tests.unit.serving.server.conftest import serving

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner), max_leaves=12
)
_NUMBERS = st.recursive(st.integers() | st.floats() | st.booleans(), st.lists, max_leaves=12)
_DATA = _NUMBERS | st.lists(st.text(max_size=4)) | _JSON
_B64 = st.fixed_dictionaries({"b64": st.text("AB=/+c", max_size=8)})

_V1 = st.fixed_dictionaries(
    {},
    optional={
        "instances": _DATA | st.lists(_B64 | st.text()) | st.lists(st.dictionaries(st.text(), _SCALARS)),
        "inputs": _DATA,
    },
)
_TENSOR = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "y", ""]) | _JSON,
        "shape": st.lists(st.integers(0, 4), max_size=4) | st.lists(st.integers()) | _JSON,
        "datatype": st.sampled_from([*DATATYPES]) | _JSON,
        "data": _DATA,
        "parameters": st.fixed_dictionaries(
            {}, optional={"binary_data_size": st.integers(-1, 40) | _JSON, "content_type": st.just("base64") | _JSON}
        )
        | _JSON,
    },
)
_V2 = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text() | _JSON,
        "inputs": st.lists(_TENSOR, max_size=3) | _JSON,
        "outputs": st.lists(st.fixed_dictionaries({"name": st.just("output-0") | _JSON})) | _JSON,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_output": st.booleans() | _JSON}) | _JSON,
    },
)


@st.composite
def _fitting(draw):
    """A tensor with as many elements as its shape has, possibly of another datatype."""
    datatype = DATATYPES[draw(st.sampled_from([*DATATYPES]))]
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = int(np.prod(shape))
    values = {
        "b": st.booleans(),
        "i": st.integers(*datatype.bounds) if datatype.kind == "i" else st.nothing(),
        "f": st.floats() | st.none() | st.integers(),
        "s": st.text(st.characters(codec=None), max_size=4),
    }[datatype.kind]
    data = draw(st.lists(values | _SCALARS if draw(st.booleans()) else values, min_size=size, max_size=size))
    return {"name": draw(st.sampled_from("xyz")), "shape": shape, "datatype": datatype.name, "data": data}


def _taking(kind):
    def predict(instances):
        return 1

    predict.__annotations__["instances"] = kind
    return serving(predict)


_TAKES_ANYTHING = _taking(object)

KINDS = [list, dict, np.ndarray, pd.DataFrame, bytes, list[bytes], object]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: str(getattr(kind, "__name__", kind)))
def client(request):
    return _taking(request.param)


def _text(body) -> bytes:
    return json.dumps(body).encode()


_BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_TYPES = st.sampled_from(["application/json", "application/octet-stream", "text/plain", "", "image/png"])


@_BOUNDED
@given(body=_V1.map(_text) | _JSON.map(_text) | st.binary(), content_type=_TYPES)
def test_v1(client, body, content_type):
    answer = client.post("/v1/models/digits:predict", content=body, headers={"content-type": content_type})

    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"]


@_BOUNDED
@given(
    body=_V2.map(_text)
    | st.lists(_fitting(), max_size=3).map(lambda tensors: _text({"inputs": tensors}))
    | st.binary(),
    rest=st.binary(max_size=40),
    header=st.none() | st.integers(-1, 300).map(str) | st.text("0123456789abc -+", max_size=9) | st.just("JSON"),
)
def test_v2(client, body, rest, header):
    headers = {} if header is None else {HEADER: str(len(body)) if header == "JSON" else header}
    answer = client.post("/v2/models/digits/infer", content=body + rest, headers=headers)

    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"]


@_BOUNDED
@given(path=st.text(max_size=30).map(quote), method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]))
def test_paths(path, method):
    answer = _TAKES_ANYTHING.request(method, f"/v2/models/{path}")

    assert answer.status_code < 500
