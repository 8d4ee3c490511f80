"""Streams of a real server, and cut or odd ones."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp import Endpoint
from fairing_kfp.errors import EndpointError
from fairing_kfp.serving.client.events import Event, read
from tests.unit.serving.server.test_connections import server


def test_items_arrive_one_by_one() -> None:
    with server(predicts="import time\nfor n in instances:\n    yield n\n    time.sleep(n)") as running:
        items = Endpoint(f"http://127.0.0.1:{running.port}", "digits").stream([0, "a", 60])
        assert [next(items), next(items)] == [0, "a"]  # and then it fails, as it sleeps for a text
        with pytest.raises(EndpointError, match="fails after it began to answer") as caught:
            next(items)
        assert caught.value.status == 500


def test_a_predictor_that_yields_nothing_is_named() -> None:
    with server() as running, pytest.raises(EndpointError, match="does not answer in a stream") as caught:
        next(Endpoint(f"http://127.0.0.1:{running.port}", "digits").stream([1]))
    assert caught.value.remedy == "call predict()"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server of one request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                client.recv(65536)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(10)


def test_a_cut_stream_is_an_error() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(head + b"9\r\ndata: 1\n\n\r\n") as url:
        items = Endpoint(url, "digits", retries=0).stream([1])
        assert next(items) == 1
        with pytest.raises(EndpointError, match="stops answering"):
            next(items)


@given(st.lists(st.integers() | st.text()), st.integers(1, 9))
def test_events_are_read_however_they_are_cut(values: list[Any], size: int) -> None:
    text = "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode()
    assert [one.data for one in read(text[n : n + size] for n in range(0, len(text), size))] == values


def test_comments_names_and_lines_are_read() -> None:
    stream = b": comment\nevent: end\ndata: [1,\r\ndata:2]\r\nid: 3\n\ndata: 4\n\ndata: 5\n"
    assert list(read([stream])) == [Event([1, 2], "end"), Event(4)]
