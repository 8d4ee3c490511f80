"""Requests that are answered by one call of `predict`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairing_kfp.serving.server.http_error import HTTPError
from fairing_kfp.serving.server.model import PredictorError
from tests.unit.serving.server.conftest import serving


def asked(predict: Any, arguments: list[Any], **settings: Any) -> list[Any]:
    """What each of concurrent requests gets; errors, too."""
    batches = serving(predict, max_batch=100, **settings).api._batches

    async def ask() -> list[Any]:
        return await asyncio.gather(*map(batches.predict, arguments), return_exceptions=True)

    return asyncio.run(ask())


def doubling() -> tuple[Callable[[Any], Any], list[int]]:
    """A predictor that doubles, and the sizes of its calls."""
    sizes: list[int] = []

    def predict(instances: Any) -> Any:
        sizes.append(len(instances))
        return instances * 2 if hasattr(instances, "shape") else [2 * one for one in instances]

    return predict, sizes


def test_lists_arrays_and_frames_are_joined_with_their_kind() -> None:
    predict, sizes = doubling()
    frame = pd.DataFrame({"a": [1, 2]})
    lists, arrays = [[1], [2, 3]], [np.array([[1.0]]), np.array([[2.0], [3.0]])]
    results = asked(predict, [*lists, *arrays, frame, frame, np.array([1])])

    assert sorted(sizes) == [1, 3, 3, 4]
    assert results[:2] == [[2], [4, 6]]
    assert [one.tolist() for one in results[2:4]] == [[[2.0]], [[4.0], [6.0]]]
    assert [one["a"].tolist() for one in results[4:6]] == [[2, 4], [2, 4]]
    assert results[6].tolist() == [2]


def test_results_by_name_are_split() -> None:
    results = asked(lambda instances: {"label": list(instances), "score": np.array(instances) / 2}, [[1], [2, 3]])

    assert [(one["label"], one["score"].tolist()) for one in results] == [([1], [0.5]), ([2, 3], [1.0, 1.5])]


def test_a_malformed_request_fails_alone() -> None:
    class Picky:
        def load(self, model_path: str) -> None: ...

        def preprocess(self, instances: list[Any]) -> list[Any]:
            if None in instances:
                raise ValueError("no null")
            return instances

        def predict(self, instances: list[Any]) -> list[float]:
            return [1 / one for one in instances]

    good, null, zero = asked(Picky, [[1], [None], [0]])

    assert good == [1.0]
    assert isinstance(null, HTTPError)
    assert isinstance(zero, PredictorError)


@pytest.mark.parametrize("result", [lambda one: sum(one), lambda one: "ab", lambda one: [1], lambda one: {}])
def test_a_predictor_without_a_result_for_each_instance_is_called_for_each_request(
    result: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "fairing"):
        assert asked(result, [[1, 2], [3]]) == [result([1, 2]), result([3])]
    assert "does not return one result for each instance" in caplog.text


def test_a_full_batch_waits_for_no_others() -> None:
    predict, sizes = doubling()
    batches = serving(predict, max_batch=4, max_wait_seconds=60).api._batches

    async def ask() -> list[Any]:
        return await asyncio.wait_for(asyncio.gather(batches.predict([1, 2]), batches.predict([3, 4])), 10)

    assert asyncio.run(ask()) == [[2, 4], [6, 8]]
    assert sizes == [4]


def test_a_request_whose_client_has_gone_is_left_out() -> None:
    predict, sizes = doubling()
    batches = serving(predict, max_batch=100, max_wait_seconds=0.05).api._batches

    async def ask() -> list[Any]:
        gone = asyncio.ensure_future(batches.predict([1, 2]))
        stays = asyncio.ensure_future(batches.predict([3]))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(ask()) == [6]
    assert sizes == [1]


def test_requests_to_both_protocols_get_their_own_results() -> None:
    predict, sizes = doubling()
    application = serving(predict, max_batch=100, max_wait_seconds=0.2).application

    async def post(path: str, body: Any) -> Any:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": json.dumps(body).encode()}

        async def send(message: Any) -> None:
            sent.append(message)

        await application({"type": "http", "method": "POST", "path": path, "headers": []}, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"])

    async def ask() -> list[Any]:
        tensor = {"name": "a", "shape": [2], "datatype": "INT64", "data": [5, 6]}
        v1, v2 = "/v1/models/digits:predict", "/v2/models/digits/infer"
        requests = [(v1, {"instances": [1]}), (v1, {"instances": [2, 3]}), (v1, {}), (v2, {"inputs": [tensor]})]
        return await asyncio.gather(*(post(*request) for request in requests))

    first, second, malformed, third = asyncio.run(ask())
    assert (first, second) == ((200, {"predictions": [2]}), (200, {"predictions": [4, 6]}))
    assert malformed[0] == 400
    assert third[1]["outputs"][0]["data"] == [10, 12]
    assert sorted(sizes) == [2, 3]
