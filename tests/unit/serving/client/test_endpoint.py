"""The client: requests, results and retries."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairing_kfp import Endpoint
from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.serving.server.tensors import HEADER
from tests.support.http_servers import QuietHandler, running
from tests.unit.serving.server.conftest import serving


class Bridge:
    """A real server before an application, whose answers a test may replace."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.replies: list[tuple[int, dict[str, str], bytes]] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        bridge = self

        class Handler(QuietHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                bridge.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                if bridge.replies:
                    status, headers, data = bridge.replies.pop(0)
                    if status == 0:  # the connection breaks
                        self.connection.shutdown(socket.SHUT_RDWR)
                        self.close_connection = True
                        return
                else:
                    made = bridge.client.request(self.command, self.path, content=body, headers=dict(self.headers))
                    status, data = made.status_code, made.content
                    headers = {k: v for k, v in made.headers.items() if k != "content-length"}
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def paths(self) -> list[str]:
        return [path for _, path, _ in self.seen]


@pytest.fixture
def bridge() -> Iterator[Any]:
    servers = contextlib.ExitStack()

    def start(plain: Any) -> Bridge:
        one = Bridge(serving(plain))
        servers.enter_context(running(one.server))
        return one

    with servers:
        yield start


def double(instances):
    return instances * 2


def told(instances: list):
    return [type(instances).__name__, *instances]


def test_arrays_go_by_v2_in_binary_and_come_back(bridge):
    server = bridge(double)
    with Endpoint(server.url) as endpoint:
        for array in (np.array([[1.5, 2]], "f4"), np.arange(6).reshape(2, 3), np.zeros((0, 2)), np.array([[True]])):
            result = endpoint.predict(array)
            assert isinstance(result, np.ndarray)
            np.testing.assert_array_equal(result, array * 2)
    assert server.paths[-1] == "/v2/models/digits/infer"
    assert server.seen[-1][2][HEADER.lower()].isdigit()
    assert server.paths.count("/v2") == server.paths.count("/v1/models") // 2 == 1  # it asks once


def test_lists_and_dictionaries_go_by_v1(bridge):
    server = bridge(told)

    assert Endpoint(server.url).predict([1, {"a": None}]) == ["list", 1, {"a": None}]
    assert Endpoint(server.url, "digits").predict({"instances": [1]}) == ["list", 1]
    assert server.paths[-1] == "/v1/models/digits:predict"


def test_frames(bridge):
    def predict(instances: pd.DataFrame):
        return instances["a"] + instances["b"].str.len()

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "yyy"]})
    server = bridge(predict)
    for protocol in ("auto", "v1", "v2"):
        result = Endpoint(server.url, protocol=protocol).predict(frame)
        assert isinstance(result, np.ndarray)
        assert result.tolist() == [2, 5]


def test_bytes(bridge):
    def one(instances: bytes):
        return len(instances)

    def several(instances: list[bytes]):
        return [one[::-1] for one in instances]

    for protocol, result in (("auto", [2]), ("v1", 2), ("v2", [2])):
        assert np.array_equal(Endpoint(bridge(one).url, protocol=protocol).predict(b"\xff\0"), result)
    assert Endpoint(bridge(several).url).predict([b"\xff\0", b"ab"]).tolist() == [b"\0\xff", b"ba"]
    assert Endpoint(bridge(several).url).predict([b"ab"]).tolist() == ["ba"]


def test_several_outputs_by_their_names(bridge):
    result = Endpoint(bridge(lambda instances: {"a": instances, "b": ["x"]}).url).predict(np.array([1]))

    assert {name: value.tolist() for name, value in result.items()} == {"a": [1], "b": ["x"]}


def test_v1_with_arrays(bridge):
    server = bridge(told)
    endpoint = Endpoint(server.url, protocol="v1")

    assert endpoint.predict(np.array([[1.5]])) == ["list", [1.5]]
    assert Endpoint(bridge(lambda instances: instances).url, protocol="v1").predict(np.array([[1, 2]])).tolist() == [
        [1, 2]
    ]


def test_explanations(bridge):
    class Explains:
        def load(self, model_path): ...

        def predict(self, instances): ...

        def explain(self, instances):
            return ["because"]

    assert Endpoint(bridge(Explains).url).explain([1]) == ["because"]


def test_the_url_of_a_model_determines_the_protocol(bridge):
    server = bridge(double)

    assert Endpoint(f"{server.url}/v1/models/digits:predict").predict([1]) == [1, 1]
    assert Endpoint(f"{server.url}/v2/models/digits/infer").predict([1]).tolist() == [2]
    assert server.paths == ["/v1/models/digits:predict", "/v2", "/v2/models/digits/infer"]


def test_a_server_that_supports_one_protocol_only(bridge):
    server = bridge(double)
    missing = (404, {}, b"{}")
    server.replies = [(200, {}, b'{"models": ["digits"]}'), missing]
    assert Endpoint(server.url, "digits").predict(np.array([1])).tolist() == [1, 1]
    server.replies = [missing, (200, {}, b'{"name": "triton", "extensions": []}')]
    assert Endpoint(server.url, "digits").predict([1]).tolist() == [2]
    assert server.seen[-1][2]["content-type"] == "application/json"


def test_requests_are_retried_when_the_server_is_busy_or_the_connection_breaks(bridge):
    server = bridge(double)
    server.replies = [(503, {"Retry-After": "0"}, b""), (0, {}, b""), (502, {}, b"")]

    assert Endpoint(server.url, "digits", protocol="v1").predict([1]) == [1, 1]
    assert server.paths == ["/v1/models/digits:predict"] * 4


def test_retries_are_limited(bridge):
    server = bridge(double)
    server.replies = [(503, {"Retry-After": "0"}, b'{"error": "busy"}')] * 3
    with pytest.raises(EndpointError, match="answers 503: busy") as caught:
        Endpoint(server.url, "digits", protocol="v1", retries=2).predict([1])
    assert caught.value.status == 503
    assert not server.replies


def test_a_timeout_is_not_retried(bridge):
    done = threading.Event()
    server = bridge(lambda instances: done.wait(5))
    with pytest.raises(EndpointError, match="does not answer"):
        Endpoint(server.url, "digits", protocol="v1", timeout=0.2).predict([1])
    done.set()
    assert len(server.seen) == 1


def test_a_server_that_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    endpoint = Endpoint(url, retries=0, headers={"Authorization": "Bearer abc"})

    assert not endpoint.ready()
    with pytest.raises(EndpointError, match=r"does not answer: .*refused") as caught:
        endpoint.predict([1])
    assert caught.value.status is None
    assert "abc" not in repr(endpoint) + str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "message", "remedy"),
    [
        (400, b'{"error": "64 pixels"}', "answers 400: 64 pixels", "correct the request"),
        (404, b'{"detail": "Not Found"}', "answers 404: Not Found", "GET /v1/models"),
        (403, b"<html>", "answers 403: <html>", "Authorization"),
        (500, b'"odd"', "answers 500: odd", "the server's log"),
        (418, b"", "answers 418", "the server's log"),
    ],
)
def test_errors_have_a_remedy(bridge, status, body, message, remedy):
    server = bridge(double)
    server.replies = [(status, {}, body)]
    with pytest.raises(EndpointError, match=message) as caught:
        Endpoint(server.url, "digits", protocol="v1").predict([1])
    assert caught.value.status == status
    assert remedy in caught.value.remedy


def test_a_model_must_be_named_unless_there_is_one(bridge):
    server = bridge(double)
    for models, message in (([], "lists no models"), (["a", "b"], "lists the models a, b")):
        server.replies = [(200, {}, json.dumps({"models": models}).encode())] * 2
        with pytest.raises(EndpointError, match=message):
            _ = Endpoint(server.url).model
        server.replies = []


def test_malformed_responses(bridge):
    server = bridge(double)
    for body in (b"{}", b"[]", b"x", b'{"outputs": [{"name": 3}]}'):
        server.replies = [(200, {}, b"{}"), (200, {}, body)]
        with pytest.raises(EndpointError, match="does not follow the Open Inference Protocol"):
            Endpoint(server.url, "digits", protocol="v2").predict([1])


def test_headers_are_sent_with_every_request(bridge):
    server = bridge(double)
    Endpoint(server.url, headers={"X-Who": "me"}).predict(np.array([1]))

    assert len(server.seen) > 2
    assert {headers["x-who"] for _, _, headers in server.seen} == {"me"}


@pytest.mark.parametrize("url", ["digits:8080", "", "ftp://x", "http:///path"])
def test_malformed_urls(url):
    with pytest.raises(ConfigError, match="is not the URL of a server"):
        Endpoint(url)


def test_instances_that_cannot_be_sent(bridge):
    with pytest.raises(ConfigError, match="unknown protocol"):
        Endpoint("http://x", protocol="v3")  # type: ignore[arg-type]
    for protocol in ("v1", "v2"):
        with pytest.raises(ConfigError, match=f"do not fit into a {protocol.upper()} request"):
            Endpoint(bridge(double).url, "digits", protocol=protocol).predict([object()])


def test_other_hosts_get_no_header_of_the_users(bridge: Any) -> None:
    home, other = bridge(lambda instances: instances), bridge(lambda instances: instances)
    secret = {"Authorization": "Bearer made-up", "X-Api-Key": "made-up", "Cookie": "a=made-up"}
    home.replies += [(307, {"Location": "/v1/models/digits:predict"}, b""), (307, {"Location": f"{other.url}/x"}, b"")]
    other.replies.append((200, {}, b'{"predictions": [1]}'))

    assert Endpoint(home.url, "digits", protocol="v1", headers=secret).predict([1]) == [1]

    ((_, _, seen),) = other.seen
    assert "made-up" not in str(seen)
    assert [all(name.lower() in seen for name in secret) for _, _, seen in home.seen] == [True, True]


@pytest.mark.parametrize(
    ("protocol", "path"), [("auto", "/v1/models/digits:predict"), ("v2", "/v2/models/digits/infer")]
)
def test_an_endpoint_in_a_notebook_shows_a_call_and_sends_none(protocol: Any, path: str) -> None:
    html = Endpoint("http://127.0.0.1:9", "digits", protocol=protocol, headers={"Authorization": "x"})._repr_html_()

    assert f"curl http://127.0.0.1:9{path} -H" in html
    assert 'href="http://127.0.0.1:9"' in html
    assert "Authorization" not in html
