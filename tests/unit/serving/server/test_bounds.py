"""Small requests that stand for much memory are refused before it is taken."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairing_kfp.serving.server.bounds import Bounds, check_json, spread
from fairing_kfp.serving.server.http_error import HTTPError

_HEADROOM = 200 << 20  # bytes beside what the server and its packages have
_MOST = 4_000  # rows, columns and characters


def v1(value: Any) -> tuple[str, bytes]:
    return "/v1/models/digits:predict", json.dumps({"instances": value}).encode()


def v2(shape: Any, data: Any, datatype: str = "FP32") -> tuple[str, bytes]:
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "data": data}
    return "/v2/models/digits/infer", json.dumps({"inputs": [tensor]}).encode()


def texts(count: int) -> list[str]:
    return ["x" * count, *["a"] * (count - 1)]


_many = st.integers(_MOST, 5 * _MOST)
_HUGE = st.one_of(
    _many.map(texts).map(v1),
    _many.map(texts).map(lambda data: v2([len(data)], data)),
    _many.map(texts).map(lambda data: v2([len(data)], data, "BOOL")),
    _many.map(lambda count: v1([{f"c{number}": number} for number in range(count)])),
    _many.map(lambda count: v1([[1] * count, *[[1]] * count])),
    st.integers(10**8, 2**62).map(lambda size: v2([size, 0], [])),
    st.lists(st.integers(3_000, 9_000), min_size=2, max_size=5).map(lambda sizes: v2([*sizes, 0], [], "BYTES")),
    st.integers(1, 16).map(lambda size: v2([500_000] + [1] * (31 - size), [0] * 500_000, "INT8")),
    st.integers(65, 3000).map(lambda depth: (*v1(0)[:1], b'{"instances":' + b"[" * depth + b"]" * depth + b"}")),
    st.integers(4301, 30_000).map(lambda digits: (*v1(0)[:1], b'{"instances":[' + b"9" * digits + b"]}")),
)

_SERVER = f"""
import json, resource, sys
import numpy, pandas
from tests.unit.serving.server.conftest import serving

def taking(kind):
    def predict(instances):
        return instances
    predict.__annotations__["instances"] = kind
    return serving(predict)

clients = [taking(kind) for kind in (numpy.ndarray, list, pandas.DataFrame, dict, object)]
for client in clients:
    client.post("/v1/models/digits:predict", json={{"instances": [[1]]}})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {_HEADROOM}, resource.RLIM_INFINITY))
print("ready", flush=True)
for line in sys.stdin:
    path, body = json.loads(line)
    answers = [client.post(path, content=body.encode()) for client in clients]
    tried = [one for one in answers if "more memory than the server has" in one.text]  # to take it, in vain
    print(json.dumps([[one.status_code, len(one.content)] for one in answers] if not tried else []), flush=True)
"""


@pytest.fixture(scope="module")
def ask():
    """Sends a request to servers of all kinds in a process with little memory; gives statuses and sizes of answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    def send(path: str, body: bytes) -> list[tuple[int, int]]:
        process.stdin.write(json.dumps([path, body.decode()]) + "\n")
        return [tuple(one) for one in json.loads(process.stdout.readline())]

    yield send
    process.stdin.close()
    process.wait(10)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=_HUGE)
def test_no_small_request_takes_much_memory(ask, request):
    path, body = request
    answers = ask(path, body)

    assert answers, "it was tried to take the memory"
    assert {status for status, _ in answers} <= {200, 400, 413}, body[:200]
    assert max(size for _, size in answers) < 40 * len(body) + 10_000
    assert {status for status, _ in answers} & {400, 413}


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (v2([1_000_000_000, 0], []), [413] * 5),
        (v1(texts(20_000)), [413, 200, 400, 200, 200]),
        (v2([20_000], texts(20_000)), [400] * 5),
        (v1([{f"c{number}": 1} for number in range(20_000)]), [400, 200, 413, 200, 200]),
        (v1([[1] * 20_000, *[[1]] * 20_000]), [400, 200, 413, 200, 200]),
        (v2([500_000] + [1] * 31, [0] * 500_000), [413] * 5),
    ],
    ids=["empty shape", "texts", "texts for numbers", "columns", "wide row", "ones"],
)
def test_requests_are_refused_by_what_they_become(ask, request_of, status):
    assert [one for one, _ in ask(*request_of)] == status


def test_texts_beside_numbers_stay_as_they_are(serve):
    def predict(instances: np.ndarray):
        return [str(instances.dtype), instances.tolist()]

    answer = serve(predict).post("/v1/models/digits:predict", json={"instances": [[1, "a"], [None, 2.5]]})

    assert answer.json() == {"predictions": ["object", [[1, "a"], [None, 2.5]]]}


def test_the_largest_requests_still_fit():
    bounds, most = Bounds(1 << 20), 1 << 20

    bounds.texts(most // 4, 1, most // 4)
    bounds.texts(1000, 500, 31_250)  # uneven
    bounds.frame(1000, most // 2 // 1000, most // 2)
    bounds.frame(1000, 500, 31_250)  # sparse
    bounds.shape([most // 4, 1], most // 4)
    bounds.shape([0, 224, 224, 3], 0)
    bounds.lists([most // 4], most // 4)
    for check in (
        lambda: bounds.texts(most, 3, most),
        lambda: bounds.texts(5000, 5000, 10_000),
        lambda: bounds.frame(1000, 1000, 1_000_000),
        lambda: Bounds(1 << 40).frame(4000, 4000, 4000),
        lambda: bounds.lists([most], most),
    ):
        with pytest.raises(HTTPError, match=r"FAIRING_MAX_BYTES=\d+ allows") as caught:
            check()
        assert caught.value.status == 413


@pytest.mark.parametrize("text", ["[" * 64 + "]" * 64, '"' + "[" * 500 + '"', '["\\"[[[[", {"a": [[]]}]' + "[]" * 100])
def test_brackets_in_texts_are_not_nested(text):
    check_json(text.encode())


_NESTED = st.recursive(st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=12)


@given(st.lists(_NESTED, max_size=3))
def test_nested_lists_are_spread_as_by_numpy(data):
    try:
        array = np.asarray(data)
    except ValueError:
        assert spread(data) is None
        return
    assert spread(data) == (array.shape, array.ravel().tolist())


def test_messages_are_short(serve):
    name = "\x00" * 100_000
    answer = serve(lambda instances: 1).post("/v2/models/digits/infer", json={"inputs": [{"name": name}]})

    assert answer.status_code == 400
    assert len(answer.content) < 2000


def test_frames_of_many_rows_are_taken(serve):
    def predict(instances: pd.DataFrame):
        return list(instances.shape)

    rows = [{"a": 1, "b": 2}] * 50_000
    answer = serve(predict).post("/v1/models/digits:predict", json={"instances": rows})

    assert answer.json() == {"predictions": [50_000, 2]}
