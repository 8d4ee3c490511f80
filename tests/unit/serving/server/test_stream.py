"""Predictors that yield their results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.serving.server.conftest import serving


def counts(instances: list[int]) -> Iterator[Any]:
    for number in range(instances[0]):
        yield {"number": number}


def ask(predict: Any, instances: list[Any], **settings: Any) -> Any:
    return serving(predict, **settings).post("/v1/models/digits:predict", json={"instances": instances})


@pytest.mark.parametrize("max_batch", [1, 8])
def test_items_are_events(max_batch: int) -> None:
    answer = ask(counts, [3], max_batch=max_batch)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text == "".join(f'data: {{"number":{number}}}\n\n' for number in range(3))


def test_an_empty_result_is_an_empty_stream() -> None:
    assert (ask(counts, [0]).status_code, ask(counts, [0]).text) == (200, "")


def test_a_failure_before_the_first_item_is_a_status() -> None:
    def predict(instances: Any) -> Iterator[Any]:
        raise RuntimeError("broken")
        yield

    answer = ask(predict, [1], debug=True)
    assert (answer.status_code, answer.json()["error"]) == (500, "predict failed: RuntimeError: broken")


@pytest.mark.parametrize(
    ("item", "says"), [(RuntimeError("broken"), "RuntimeError: broken"), (object(), "JSON cannot represent")]
)
def test_a_failure_after_the_first_item_is_an_event(item: Any, says: str) -> None:
    def predict(instances: Any) -> Iterator[Any]:
        yield 1
        if isinstance(item, Exception):
            raise item
        yield item
        yield 3

    first, second, end = ask(predict, [1], debug=True).text.split("\n\n")
    assert (first, end) == ("data: 1", "")
    assert second.startswith("event: error\ndata: ")
    assert says in json.loads(second.removeprefix("event: error\ndata: "))["error"]
    assert "broken" not in ask(predict, [1]).text


def test_v2_names_the_protocol_that_streams() -> None:
    tensor = {"name": "a", "shape": [1], "datatype": "INT64", "data": [1]}
    answer = serving(counts).post("/v2/models/digits/infer", json={"inputs": [tensor]})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "predict streams its results: use /v1/models/digits:predict",
    )


def test_nothing_is_made_for_a_client_that_has_gone() -> None:
    made, closed = [], []

    def predict(instances: Any) -> Iterator[int]:
        try:
            for number in range(1_000_000):
                made.append(number)
                yield number
        finally:
            closed.append(True)

    served = serving(predict)

    async def run() -> None:
        gone, sent = asyncio.Event(), []

        async def receive() -> dict[str, Any]:
            if not sent:
                return {"type": "http.request", "body": b'{"instances": [1]}'}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 4:
                gone.set()

        scope = {"type": "http", "method": "POST", "path": "/v1/models/digits:predict", "headers": []}
        await asyncio.wait_for(served.application(scope, receive, send), 10)
        while not served.workers.idle:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert len(made) < 20
    assert closed == [True]
    assert served.api._metrics.in_flight == 0
