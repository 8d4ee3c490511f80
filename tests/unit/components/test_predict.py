"""`predict`: requests of both protocols to a real server on loopback, checks, and what fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.predict import PREDICT
from fairing_kfp.errors import ConfigError, EndpointError, FairingError, ServingError
from tests.support.http_servers import running


@dataclass
class Model:
    """A server of the model `sums`, of one or both protocols.

    Attributes:
        protocols: those that it speaks.
        seen: path, Host header and body of each request for predictions.
    """

    protocols: tuple[str, ...] = ("v1", "v2")
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, host: str, body: Any) -> tuple[int, Any]:
        version = path.split("/")[1]
        if version not in self.protocols:
            return 404, {"error": "no such path"}
        if body is None:
            return 200, {"models": ["sums"]} if path.endswith("/models") else {"name": "stand-in", "extensions": []}
        self.seen.append((path, host, body))
        try:
            if version == "v1":
                return 200, {"predictions": [sum(one) for one in body["instances"]]}
            (tensor,) = body["inputs"]
            width = tensor["shape"][1]
            rows = [tensor["data"][start : start + width] for start in range(0, len(tensor["data"]), width)]
            sums = [float(sum(one)) for one in rows]
            output = {"name": "sum", "shape": [len(sums)], "datatype": "FP64", "data": sums}
            return 200, {"model_name": "sums", "outputs": [output]}
        except TypeError as error:
            return 400, {"error": f"cannot add: {error}"}


@pytest.fixture
def model() -> Iterator[Model]:
    found = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = found.answer(self.path, self.headers["Host"], body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    with running(server):
        yield found


@dataclass(frozen=True)
class Asked:
    """The outputs of a step."""

    root: Path

    def __getitem__(self, name: str) -> Any:
        return json.loads((self.root / name).read_text())

    @property
    def report(self) -> str:
        return (self.root / "report").read_text()

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self["output.json"]["artifacts"]["metrics"]["artifacts"][0]["metadata"])

    @property
    def outcome(self) -> str:
        return str(self["output.json"]["parameterValues"]["outcome"])


def ask(root: Path, data: Path | None = None, **values: Any) -> Asked:
    artifacts = {"data": {"artifacts": [{"uri": str(data)}]}} if data else {}
    outputs = {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("predictions", "metrics", "report")}
    given = {
        "inputs": {"parameterValues": values, "artifacts": artifacts},
        "outputs": {"artifacts": outputs, "parameters": {}, "outputFile": str(root / "output.json")},
    }
    run_step(PREDICT, given, lambda line: None)
    return Asked(root)


def test_predictions_are_compared_measured_and_kept(model: Model, tmp_path: Path) -> None:
    asked = ask(
        tmp_path / "out",
        endpoint=model.url,
        instances=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]],
        expected=[3, 7.01, 11.5],
        tolerance=0.02,
        shape=[-1],
        batch=2,
        host="sums.example.com",
    )

    assert asked["predictions"] == [3.0, 7.0, 11.5]
    assert asked.outcome == "passed"
    assert "<h1>The endpoint answers as expected</h1>" in asked.report
    assert [(path, host) for path, host, _ in model.seen] == [("/v1/models/sums:predict", "sums.example.com")] * 2
    metrics = asked.metrics
    assert (metrics["requests"], metrics["instances"]) == (2, 3)
    assert metrics["largest_difference"] == pytest.approx(0.01)
    assert metrics["slowest_seconds"] >= metrics["latency_seconds"] > 0


@pytest.mark.parametrize("protocols", [("v2",), ("v1", "v2")])
def test_instances_go_by_the_open_inference_protocol(model: Model, protocols: tuple[str, ...], tmp_path: Path) -> None:
    model.protocols = protocols
    protocol = "auto" if protocols == ("v2",) else "v2"
    asked = ask(tmp_path / "out", endpoint=model.url, protocol=protocol, instances=[[1.0, 2.0]], expected=[3.0])

    assert asked["predictions"] == [3.0]
    assert model.seen[0][0] == "/v2/models/sums/infer"


def test_a_whole_request_is_sent_as_it_is(model: Model, tmp_path: Path) -> None:
    tensor = {"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1.0, 2.0]}
    second = ask(tmp_path / "v2", endpoint=model.url, request={"inputs": [tensor]})
    first = ask(tmp_path / "v1", endpoint=model.url, request={"instances": [[1, 2]], "signature": "sum"})

    assert (second["predictions"], first["predictions"]) == ([1.0, 2.0], [3])
    assert [body for _, _, body in model.seen] == [{"inputs": [tensor]}, {"instances": [[1, 2]], "signature": "sum"}]


@pytest.mark.parametrize("folder", [False, True])
def test_an_artifact_has_the_instances(model: Model, folder: bool, tmp_path: Path) -> None:
    path = tmp_path / "data" / "instances.json"
    path.parent.mkdir()
    path.write_text("[[1, 2]]")
    asked = ask(tmp_path / "out", path.parent if folder else path, endpoint=model.url, model="sums")

    assert asked["predictions"] == [3]
    assert "<h1>The endpoint answers 1 request</h1>" in asked.report


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"instances": [["a"]]}, EndpointError, "answers 400: cannot add: unsupported operand"),
        (
            {"instances": [[1], [2]], "expected": [1, 3]},
            ServingError,
            r"the predictions differ from the expected ones: \[1\] is 2 instead of 3",
        ),
        ({"instances": [[1]], "expected": [1, 2]}, ServingError, "the answer has 1 entries instead of 2"),
        ({"instances": [[1]], "expected": ["1"]}, ServingError, r"\[0\] is 1 instead of '1'"),
        ({"instances": [[1]], "shape": [1, 1]}, ServingError, r"the shape \[1\] instead of \[1, 1\]"),
    ],
)
def test_errors_and_wrong_answers_fail_the_step_unless_they_are_allowed(
    model: Model, values: dict[str, Any], error: type[FairingError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        ask(tmp_path / "failed", endpoint=model.url, **values)
    assert not (tmp_path / "failed").exists()

    asked = ask(tmp_path / "out", endpoint=model.url, required=False, **values)
    assert asked.outcome == "failed"
    assert "<h1>The endpoint does not answer as expected</h1><table><tr><td>cause</td>" in asked.report


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "predict needs exactly one kind of instances"),
        ({"instances": [[1]], "request": {"instances": [[1]]}}, "predict needs exactly one kind of instances"),
        ({"instances": [[1]], "protocol": "v3"}, "the input protocol is 'v3'"),
        ({"instances": [[1]], "tolerance": -1.0}, "out of range"),
        ({"instances": [[1]], "shape": [1.5]}, r"the input shape is \[1.5\]"),
        ({"instances": [[1]], "endpoint": "sums.default.svc"}, "is not the URL of a server"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_sent(
    model: Model, values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        ask(tmp_path / "out", **{"endpoint": model.url, **values})

    assert model.seen == []


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("3", "contains int '3'"), ("[]", "contains list")]
)
def test_an_artifact_without_instances_is_refused(model: Model, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        ask(tmp_path / "out", path, endpoint=model.url)

    assert model.seen == []
