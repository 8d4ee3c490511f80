"""The Open Inference Protocol: tensors of all datatypes, as JSON and in binary."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fairing_kfp.serving.server import tensor_input
from fairing_kfp.serving.server.bounds import Bounds
from fairing_kfp.serving.server.datatypes import DATATYPES
from fairing_kfp.serving.server.tensors import HEADER, Tensor, make_tensor

DTYPES = [one.numpy for one in DATATYPES.values() if one.kind != "s"]
BOUNDS = Bounds(1 << 20)
NUMBERS = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4.5]}


class Sums:
    def load(self, model_path):
        pass

    def predict(self, instances):
        return instances.sum(axis=1)


def told(kind):
    def predict(instances):
        return {"type": type(instances).__name__, "shown": repr(instances)}

    predict.__annotations__["instances"] = kind
    return predict


def infer(client, body, path="/v2/models/digits/infer", **options):
    return client.post(path, json=body, **options)


def test_metadata_and_health(serve):
    client = serve(Sums)

    assert client.get("/v2").json() == client.get("/v2/").json()
    assert client.get("/v2").json() == {
        "name": "fairing-kfp",
        "version": "1.2.3",
        "extensions": ["binary_tensor_data"],
    }
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models").json() == {"models": ["digits"]}
    for path in ("/v2/models/digits", "/v2/models/digits/versions/1"):
        described = client.get(path).json()
        assert (described["name"], described["versions"]) == ("digits", ["1"])
        assert client.get(f"{path}/ready").json() == {"name": "digits", "ready": True}
    assert client.get("/v2/models/digits/versions/2").status_code == 404


def test_an_inference(serve):
    body = {"id": "42", "inputs": [NUMBERS], "parameters": {"any": 1}}
    for path in ("/v2/models/digits/infer", "/v2/models/digits/versions/1/infer"):
        answer = infer(serve(Sums), body, path)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "id": "42",
            "model_name": "digits",
            "model_version": "1",
            "outputs": [{"name": "output-0", "shape": [2], "datatype": "FP32", "data": [3.0, 7.5]}],
        }


def test_elements_may_be_nested_like_the_shape(serve):
    body = {"inputs": [{**NUMBERS, "data": [[1, 2], [3, 4.5]]}]}

    assert infer(serve(Sums), body).json()["outputs"][0]["data"] == [3.0, 7.5]


def test_several_outputs_and_requested_ones(serve):
    client = serve(lambda instances: {"sum": instances.sum(), "name": ["a", "b"], "flag": np.array([[True]])})
    outputs = infer(client, {"inputs": [NUMBERS]}).json()["outputs"]

    assert [(one["name"], one["datatype"], one["shape"], one["data"]) for one in outputs] == [
        ("sum", "FP32", [1], [10.5]),
        ("name", "BYTES", [2], ["a", "b"]),
        ("flag", "BOOL", [1, 1], [True]),
    ]
    wanted = infer(client, {"inputs": [NUMBERS], "outputs": [{"name": "name"}]}).json()["outputs"]
    assert [one["name"] for one in wanted] == ["name"]
    refused = infer(client, {"inputs": [NUMBERS], "outputs": [{"name": "other"}]})
    assert refused.status_code == 400
    assert "the output 'other' does not exist; the outputs are sum, name, flag" in refused.json()["error"]


def test_a_data_frame_has_one_tensor_per_column(serve):
    def predict(instances: pd.DataFrame):
        return instances.assign(c=instances["a"] * 2)

    columns = [
        {"name": "a", "shape": [2], "datatype": "INT64", "data": [1, 2]},
        {"name": "b", "shape": [2, 1], "datatype": "BYTES", "data": ["x", "y"]},
    ]
    outputs = infer(serve(predict), {"inputs": columns}).json()["outputs"]

    assert {one["name"]: one["data"] for one in outputs} == {"a": [1, 2], "b": ["x", "y"], "c": [2, 4]}


@pytest.mark.parametrize(
    ("kind", "tensors", "name", "shown"),
    [
        (list, [NUMBERS], "list", "[[1.0, 2.0], [3.0, 4.5]]"),
        (None, [NUMBERS], "ndarray", "array([[1. , 2. ],\n       [3. , 4.5]], dtype=float32)"),
        (pd.DataFrame, [NUMBERS], "DataFrame", "     0    1\n0  1.0  2.0\n1  3.0  4.5"),
        (dict, [{**NUMBERS, "shape": [4]}], "dict", "{'x': array([1. , 2. , 3. , 4.5], dtype=float32)}"),
        (bytes, [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["a"]}], "bytes", "b'a'"),
        (
            list[bytes],
            [
                {
                    "name": "x",
                    "shape": [2],
                    "datatype": "BYTES",
                    "data": ["/w==", "YQ=="],
                    "parameters": {"content_type": "base64"},
                }
            ],
            "list",
            r"[b'\xff', b'a']",
        ),
    ],
)
def test_the_annotation_determines_the_input(serve, kind, tensors, name, shown):
    client = serve(told(kind) if kind else lambda x: {"type": type(x).__name__, "shown": repr(x)})
    outputs = infer(client, {"inputs": tensors}).json()["outputs"]

    assert {one["name"]: one["data"] for one in outputs} == {"type": [name], "shown": [shown]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": 3}, 'an object with "name"'),
        ({"datatype": "FLOAT"}, "use one of BOOL"),
        ({"datatype": ["FP32"]}, "use one of BOOL"),
        ({"shape": None}, 'needs a "shape"'),
        ({"shape": [-1, 2]}, "a list of non-negative integers"),
        ({"shape": [True]}, "a list of non-negative integers"),
        ({"shape": [1] * 40}, "at most 32"),
        ({"shape": [3]}, "which is 3 elements, but its data are 4"),
        ({"shape": [2**40, 2**40]}, "elements, but its data are 4"),
        ({"shape": [4], "data": [[1, 2], [3, 4]]}, "4 in the shape [2, 2]"),
        ({"data": None}, 'needs "data"'),
        ({"data": [[1, 2], [3]]}, "lists of different lengths"),
        ({"data": [1, 2, 3, "4"]}, "must contain numbers of FP32"),
        ({"data": [1, 2, 3, None], "datatype": "INT8"}, "must contain integers"),
        ({"data": [1, 2, 3, 4.5], "datatype": "INT8"}, "must contain integers"),
        ({"data": [1, 2, 3, 300], "datatype": "INT8"}, "from -128 to 127"),
        ({"data": [1, 2, 3, -1], "datatype": "UINT64"}, "from 0 to 18446744073709551615"),
        ({"data": [1, 2, 3, 10**30], "datatype": "INT64"}, "must contain integers"),
        ({"data": [1, 2, 3, 4], "datatype": "BOOL"}, "must contain true or false"),
        ({"data": [1, 2, 3, 4], "datatype": "BYTES"}, "must contain texts of BYTES"),
        ({"data": [{}, 2, 3, 4]}, "must contain numbers"),
        ({"parameters": 3}, "are not an object"),
        ({"parameters": {"binary_data_size": 4}}, "fewer bytes follow the JSON"),
        ({"datatype": "BYTES", "parameters": {"content_type": "base64"}, "data": ["?"]}, "but is not valid base64"),
    ],
)
def test_errors_describe_the_tensor(serve, change, says):
    answer = infer(serve(Sums), {"inputs": [{**NUMBERS, **change}]})

    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": [3]},
        {"inputs": [NUMBERS], "id": 3},
        {"inputs": [NUMBERS], "parameters": [3]},
        {"inputs": [NUMBERS], "outputs": {"name": "x"}},
        {"inputs": [NUMBERS], "outputs": [3]},
        {"inputs": [NUMBERS, NUMBERS]},
        {"inputs": [NUMBERS, {**NUMBERS, "name": "y"}]},
    ],
)
def test_a_malformed_request(serve, body):
    answer = infer(serve(Sums), body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_result_that_is_not_a_tensor(serve):
    answer = infer(serve(lambda instances: [{"a": 1}], debug=True), {"inputs": [NUMBERS]})

    assert answer.status_code == 500
    assert "the result of predict cannot be sent: a tensor cannot represent dict" in answer.json()["error"]


def test_binary_in_and_out(serve):
    data = np.array([[1, 2], [3, 4.5]], "<f4").tobytes()
    document = {**NUMBERS, "parameters": {"binary_data_size": len(data)}}
    del document["data"]
    text = json.dumps({"inputs": [document], "outputs": [{"name": "output-0", "parameters": {"binary_data": True}}]})
    answer = serve(Sums).post("/v2/models/digits/infer", content=text.encode() + data, headers={HEADER: str(len(text))})
    length = int(answer.headers[HEADER])
    (output,) = json.loads(answer.content[:length])["outputs"]

    assert output["parameters"] == {"binary_data_size": 8}
    assert np.frombuffer(answer.content[length:], "<f4").tolist() == [3, 7.5]


@pytest.mark.parametrize(
    ("header", "tail", "says"),
    [
        ("x", b"", "the body has"),
        ("99999", b"", "the body has"),
        ("-1", b"", "the body has"),
        ("9" * 30, b"", "the body has"),
        (None, b"123", "fewer bytes follow the JSON"),
        (None, b"12345", "belong to no input"),
    ],
)
def test_binary_that_does_not_fit(serve, header, tail, says):
    document = {"name": "x", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}
    text = json.dumps({"inputs": [document]}).encode()
    answer = serve(Sums).post(
        "/v2/models/digits/infer", content=text + tail, headers={HEADER: header or str(len(text))}
    )

    assert answer.status_code == 400
    assert says in answer.json()["error"]


@given(st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_side=0))))
def test_arrays_are_returned_unchanged(array):
    tensor = make_tensor("x", array)
    document, data = tensor.binary()
    for read, _ in (
        tensor_input.read(document, memoryview(data), BOUNDS),
        tensor_input.read(json.loads(json.dumps(tensor.document())), None, BOUNDS),
    ):
        assert read.values.dtype == array.dtype
        np.testing.assert_array_equal(read.values, array)


@given(st.lists(st.text() | st.binary()))
def test_strings_and_bytes_are_returned_unchanged(values):
    tensor = make_tensor("x", np.array([*values, None], dtype=object)[:-1])
    document, data = tensor.binary()
    read, rest = tensor_input.read(document, memoryview(data), BOUNDS)

    assert not rest
    assert read.flat == [one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass") for one in values]
    if not any(isinstance(one, bytes) for one in values):
        assert tensor_input.read(tensor.document(), None, BOUNDS)[0].flat == values


class TestWithoutNumpy:
    @pytest.fixture(autouse=True)
    def without(self, monkeypatch):
        for module in ("tensors", "tensor_input", "inputs"):
            monkeypatch.setattr(f"fairing_kfp.serving.server.{module}.numpy", lambda: None)

    @pytest.mark.parametrize("name", [name for name in DATATYPES if name != "BYTES"])
    def test_all_datatypes(self, name):
        datatype = DATATYPES[name]
        data = {"b": [True, False], "i": list(datatype.bounds) if datatype.kind == "i" else [], "f": [0.5, -2.0]}
        document = {"name": "x", "shape": [1, 2], "datatype": name, "data": data[datatype.kind]}
        tensor, _ = tensor_input.read(document, None, BOUNDS)
        described, packed = tensor.binary()
        again, _ = tensor_input.read(described, memoryview(packed), BOUNDS)

        assert tensor.values == again.values == [data[datatype.kind]]
        assert len(packed) == 2 * datatype.size

    @pytest.mark.parametrize(
        ("value", "datatype", "shape"),
        [
            ([[1, 2], [3, 4]], "INT64", (2, 2)),
            ((1, 2.5), "FP64", (2,)),
            ([True], "BOOL", (1,)),
            ("text", "BYTES", (1,)),
            ([b"\xff"], "BYTES", (1,)),
        ],
    )
    def test_lists_are_tensors(self, value, datatype, shape):
        tensor = make_tensor("x", value)

        assert (tensor.datatype.name, tensor.shape) == (datatype, shape)

    @pytest.mark.parametrize("value", [[1, "a"], [[1], [2, 3]], [{}], object()])
    def test_what_no_tensor_holds(self, value):
        with pytest.raises(TypeError, match="a tensor cannot represent"):
            make_tensor("x", value)

    def test_a_predictor_gets_lists(self, serve):
        client = serve(lambda instances: [sum(row) for row in instances])
        answer = infer(client, {"inputs": [NUMBERS]})

        assert answer.json()["outputs"] == [{"name": "output-0", "shape": [2], "datatype": "FP64", "data": [3.0, 7.5]}]
        assert infer(client, {"inputs": [{**NUMBERS, "data": [1, 2, 3]}]}).status_code == 400
        assert infer(client, {"inputs": [{**NUMBERS, "data": [1, 2, 3, "a"]}]}).status_code == 400


def test_bytes_are_base64_in_json():
    document = Tensor("x", DATATYPES["BYTES"], (1,), [b"\xff"]).document()

    assert document["parameters"] == {"content_type": "base64"}
    assert base64.b64decode(document["data"][0]) == b"\xff"


def test_a_truncated_element_is_rejected(serve):
    for data in (b"\1", struct.pack("<I", 5) + b"abc"):
        text = json.dumps(
            {
                "inputs": [
                    {"name": "x", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
                ]
            }
        ).encode()
        answer = serve(Sums).post("/v2/models/digits/infer", content=text + data, headers={HEADER: str(len(text))})
        assert answer.status_code == 400
        assert "ends within an element" in answer.json()["error"]
