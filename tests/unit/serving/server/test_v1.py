"""The V1 protocol: inputs of all predictors, and responses."""

from __future__ import annotations

import base64
import datetime
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest


class Doubles:
    def load(self, model_path: str) -> None:
        self.path = model_path

    def predict(self, instances):
        return [2 * one for one in instances]


def echo(kind):
    """A predictor that returns its input."""

    def predict(instances):
        return [type(instances).__name__, repr(instances)]

    predict.__annotations__["instances"] = kind
    return predict


def ask(client, body, verb="predict", **options):
    return client.post(f"/v1/models/digits:{verb}", json=body, **options)


def test_models(serve):
    client = serve(Doubles)

    assert client.get("/v1/models").json() == {"models": ["digits"]}
    assert client.get("/v1/models/digits").json() == {"name": "digits", "ready": True}
    assert ask(client, {"instances": [1, 2.5]}).json() == {"predictions": [2, 5.0]}


def test_a_function_is_called_for_each_request(serve):
    def predict(instances):
        return len(instances)

    assert ask(serve(predict), {"instances": ["a", {"b": 1}]}).json() == {"predictions": 2}


@pytest.mark.parametrize(
    ("kind", "body", "name", "shown"),
    [
        (list, {"instances": [1]}, "list", "[1]"),
        (list[list[float]], {"inputs": [[1.5]]}, "list", "[[1.5]]"),
        (dict, {"anything": [1]}, "dict", "{'anything': [1]}"),
        (np.ndarray, {"instances": [[1, 2], [3, 4]]}, "ndarray", "array([[1, 2],\n       [3, 4]])"),
        (np.ndarray, {"instances": [1.5, None]}, "ndarray", "array([1.5, nan])"),
        (np.ndarray, {"instances": ["a"]}, "ndarray", "array(['a'], dtype='<U1')"),
        (np.ndarray, {"instances": [[1.5, "a"]]}, "ndarray", "array([[1.5, 'a']], dtype=object)"),
        (np.ndarray, {"instances": [[None, "a"]]}, "ndarray", "array([[None, 'a']], dtype=object)"),
        (pd.DataFrame, {"instances": [{"a": 1, "b": 2}]}, "DataFrame", "   a  b\n0  1  2"),
        (pd.DataFrame, {"inputs": {"a": [1], "b": [2]}}, "DataFrame", "   a  b\n0  1  2"),
        (pd.DataFrame, {"instances": [[1, 2]]}, "DataFrame", "   0  1\n0  1  2"),
        (bytes, {"instances": [{"b64": base64.b64encode(b"\xff\0").decode()}]}, "bytes", r"b'\xff\x00'"),
        (bytes, {"instances": ["text"]}, "bytes", "b'text'"),
        (list[bytes], {"instances": ["a", {"b64": "/w=="}]}, "list", r"[b'a', b'\xff']"),
    ],
)
def test_the_annotation_determines_the_input(serve, kind, body, name, shown):
    assert ask(serve(echo(kind)), body).json() == {"predictions": [name, shown]}


def test_bytes(serve):
    client = serve(echo(bytes))
    sent = client.post("/v1/models/digits:predict", content=b"\xff{", headers={"content-type": "image/png"})

    assert sent.json() == {"predictions": ["bytes", r"b'\xff{'"]}


def test_curl_sends_json_as_a_form(serve):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    sent = serve(echo(bytes)).post("/v1/models/digits:predict", content=b'{"instances": ["a"]}', headers=headers)

    assert sent.json() == {"predictions": ["bytes", "b'a'"]}


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (list, [1], 'expected a JSON object; this predictor takes {"instances": [...]}'),
        (list, {}, 'expected either "instances" or "inputs"'),
        (list, {"instances": [], "inputs": []}, 'either "instances" or "inputs"'),
        (list, {"instances": {"a": 1}}, "expected a list"),
        (dict, [], "this predictor takes a JSON object"),
        (np.ndarray, {"instances": [[1, 2], [3]]}, "lists of different lengths"),
        (np.ndarray, {"instances": [{"a": 1}]}, "expected numbers or texts"),
        (np.ndarray, {"instances": [10**400, None]}, "this predictor takes"),
        (pd.DataFrame, {"instances": [1, 2]}, "expected rows or columns"),
        (pd.DataFrame, {"instances": [{"a": 1}, [2]]}, "expected rows or columns"),
        (pd.DataFrame, {"inputs": {"a": [1], "b": [1, 2]}}, "All arrays must be of the same length"),
        (bytes, {"instances": ["a", "b"]}, "expected one instance, not 2"),
        (bytes, {"instances": [{"b64": "?"}]}, 'the value of "b64" is not base64'),
        (list[bytes], {"instances": [1]}, "expected texts or bytes in base64"),
    ],
)
def test_errors_describe_the_problem(serve, kind, body, says):
    answer = ask(serve(echo(kind)), body)

    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 60, b'{"instances": NaN', b"1" * 10_000])
def test_malformed_json(serve, body):
    answer = serve(Doubles).post("/v1/models/digits:predict", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_models_and_paths(serve):
    client = serve(Doubles)

    missing = client.get("/v1/models/other").json()["error"]
    assert missing == "the model 'other' does not exist; this server has 'digits'"
    for method, path, status in [
        ("GET", "/v1/models/other", 404),
        ("POST", "/v1/models/other:predict", 404),
        ("POST", "/v1/models/digits:explain", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/models", 405),
        ("DELETE", "/v1/models/digits", 405),
    ]:
        answer = client.request(method, path, json={"instances": []})
        assert answer.status_code == status, path
        assert answer.json()["error"]


def test_preprocess_and_postprocess_surround_predict_and_explain(serve):
    class Whole(Doubles):
        def preprocess(self, instances: np.ndarray):
            return (instances + 1).tolist()

        def postprocess(self, result):
            return {"given": result}

        def explain(self, instances):
            return ["because", *instances]

    client = serve(Whole)

    assert ask(client, {"instances": [1]}).json() == {"predictions": {"given": [4]}}
    assert ask(client, {"instances": [1]}, "explain").json() == {"explanations": {"given": ["because", 2]}}


def test_a_value_error_of_preprocess_is_the_clients_fault(serve):
    class Checks(Doubles):
        def preprocess(self, instances):
            raise ValueError("64 pixels are required")

    answer = ask(serve(Checks), {"instances": [1]})

    assert (answer.status_code, answer.json()) == (400, {"error": "64 pixels are required"})


@pytest.mark.parametrize("error", [ValueError("secret path"), KeyError("x"), SystemExit(3), RecursionError()])
def test_errors_of_the_predictor_are_told_to_the_log_alone(serve, error, caplog):
    def predict(instances):
        raise error

    client = serve(predict)
    answer = ask(client, {"instances": [1]})

    assert answer.status_code == 500
    error_id = answer.json()["error_id"]
    assert answer.json()["error"] == f"predict failed; the server's log has the cause under the error id {error_id}"
    (record,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert record.getMessage() == f"predict failed: {type(error).__name__}: {error}"
    assert record.fields["error_id"] == error_id
    assert ask(client, {"instances": [1]}).json()["error_id"] != error_id
    debugged = ask(serve(predict, debug=True), {"instances": [1]})
    assert debugged.json()["error"] == f"predict failed: {type(error).__name__}: {error}"
    assert ask(client, {"instances": [1]}).status_code == 500  # and the server keeps running


@dataclass
class Point:
    x: float


@pytest.mark.parametrize(
    ("result", "given"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.float32(1.5), 1.5),
        ([np.int64(3), {"a": np.array([True])}], [3, {"a": [True]}]),
        ([1.0, math.nan, math.inf], [1.0, None, None]),
        (np.array([np.nan]), [None]),
        ({np.int64(1): "a", (1, 2): "b"}, {"1": "a", "(1, 2)": "b"}),
        (pd.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (pd.Series(["x"]), ["x"]),
        (b"\xff", {"b64": "/w=="}),
        ((1, {3, 2}), [1, [2, 3]]),
        (datetime.date(2030, 1, 2), "2030-01-02"),
        (Point(0.5), {"x": 0.5}),
        ("\ud800", "\ud800"),
        (None, None),
    ],
)
def test_results_become_json(serve, result, given):
    answer = ask(serve(lambda instances: result), {"instances": []})

    assert answer.status_code == 200, answer.text
    assert answer.json() == {"predictions": given}


def test_a_result_with_predictions_is_unchanged(serve):
    result = {"predictions": [1], "version": 3}

    assert ask(serve(lambda instances: result), {"instances": []}).json() == result


def test_a_dictionary_for_a_dictionary_is_unchanged(serve):
    def predict(instances: dict):
        return {"sum": sum(instances["numbers"])}

    assert ask(serve(predict), {"numbers": [1, 2]}).json() == {"sum": 3}


def test_a_result_that_is_not_json(serve):
    circle: list = []
    circle.append(circle)
    for result in (object(), circle, {"a": 1j}):
        answer = ask(serve(lambda instances, result=result: result, debug=True), {"instances": []})
        assert answer.status_code == 500
        assert "the result of predict cannot be sent: JSON cannot represent" in answer.json()["error"]
