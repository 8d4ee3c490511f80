"""`predict`: instances and an endpoint → predictions, which are checked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from fairing_kfp.components.answers import Check, shape_of
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.serving import UNCACHED
from fairing_kfp.errors import ConfigError, EndpointError, ServingError
from fairing_kfp.serving.client.endpoint import Endpoint, Protocol
from fairing_kfp.serving.client.payload import from_v2
from fairing_kfp.serving.server.answers import dumps

_REMEDY = "see the server's log and the report of the step that serves; correct the model, or what is expected"
_SHOWN = 400  # characters of predictions in the report


def run(given: StepInputs) -> StepResult:
    """Asks an endpoint.

    Raises:
        ConfigError: not exactly one kind of instances is given, or an input is invalid; nothing is sent.
        EndpointError: the server does not answer, or answers with an error, and `required` is set.
        ServingError: the predictions are wrong, and `required` is set.
    """
    values = given.values
    check = _check(given)
    asked = _Asked(_instances(given), values["batch"], check)
    with _endpoint(given) as endpoint:
        problem = ""
        try:
            asked.send(endpoint)
        except EndpointError as error:
            if values["required"]:
                raise
            problem = error.message
    problem = problem or check.problem(asked.predictions)
    if problem and values["required"]:
        raise ServingError(f"{values['endpoint']} answers, but {problem}", _REMEDY)
    path = given.outputs["predictions"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asked.predictions), encoding="utf-8")
    verdict = "the endpoint does not answer as expected" if problem else _verdict(check, len(asked.seconds))
    given.log(problem or f"answered after {sum(asked.seconds):.3f} s")
    return StepResult(
        f"{verdict[0].upper()}{verdict[1:]}",
        asked.rows(values["endpoint"], problem),
        {"outcome": "failed" if problem else "passed"},
        {"metrics": asked.metrics()},
    )


@dataclass
class _Asked:
    """Requests and their answers.

    Attributes:
        instances: a list of instances, or a whole request.
        batch: instances per request; all of them if 0.
        check: what the predictions must be like.
        predictions: the answers.
        seconds: duration of each request, in seconds.
    """

    instances: Any
    batch: int
    check: Check
    predictions: Any = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def send(self, endpoint: Endpoint) -> None:
        """Sends all requests, one after another.

        Raises:
            EndpointError: the server does not answer, or answers with an error.
        """
        for part in self._parts():
            began = time.perf_counter()
            answer = _ask(endpoint, part)
            self.seconds.append(time.perf_counter() - began)
            if isinstance(self.predictions, list) and isinstance(answer, list):
                self.predictions.extend(answer)
            elif len(self.seconds) == 1:
                self.predictions = answer
            else:
                raise EndpointError(
                    f"{endpoint.url} answers with {type(answer).__name__}s, which cannot be joined",
                    "set batch to 0, to send one request",
                )

    def metrics(self) -> dict[str, float]:
        """Scalars: latencies in seconds, counts, and the largest difference from what is expected."""
        scalars: dict[str, float] = {"requests": len(self.seconds)}
        if isinstance(self.instances, list):
            scalars["instances"] = len(self.instances)
        if self.seconds:
            scalars["latency_seconds"] = round(sum(self.seconds) / len(self.seconds), 6)
            scalars["slowest_seconds"] = round(max(self.seconds), 6)
        difference = self.check.largest_difference(self.predictions)
        return scalars if difference is None else {**scalars, "largest_difference": difference}

    def rows(self, url: str, problem: str) -> tuple[tuple[str, str], ...]:
        """The table of the report."""
        text = json.dumps(self.predictions)
        rows = [
            ("cause", problem),
            ("endpoint", url),
            *((name.replace("_", " "), f"{value:g}") for name, value in self.metrics().items()),
            ("shape of the predictions", str(list(shape_of(self.predictions)))),
            ("predictions", text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"),
        ]
        return tuple((name, value) for name, value in rows if value)

    def _parts(self) -> Iterator[Any]:
        if not self.batch or not isinstance(self.instances, list):
            yield self.instances
            return
        for start in range(0, len(self.instances), self.batch):
            yield self.instances[start : start + self.batch]


def _ask(endpoint: Endpoint, instances: Any) -> Any:
    """The answer as JSON values, also where numpy is installed."""
    return json.loads(dumps(_answer(endpoint, instances)))


def _answer(endpoint: Endpoint, instances: Any) -> Any:
    if isinstance(instances, dict) and "inputs" in instances:  # a whole request of the Open Inference Protocol
        return from_v2(endpoint.raw(f"/v2/models/{endpoint.model}/infer", dumps(instances)), None)
    return endpoint.predict(instances)


def _endpoint(given: StepInputs) -> Endpoint:
    values = given.values
    protocol: Protocol = "v1" if values["request"] and "inputs" not in values["request"] else values["protocol"]
    headers = {"Host": values["host"]} if values["host"] else None
    return Endpoint(
        values["endpoint"], values["model"] or None, protocol=protocol, timeout=values["timeout"], headers=headers
    )


def _check(given: StepInputs) -> Check:
    values = given.values
    shape = tuple(values["shape"])
    if not all(type(length) in (int, float) and length == int(length) and length >= -1 for length in shape):
        raise ConfigError(f"the input shape is {values['shape']!r}", "use whole numbers, and -1 for any length")
    if values["tolerance"] < 0 or values["batch"] < 0 or values["timeout"] <= 0:
        raise ConfigError(
            "one of the inputs tolerance, batch and timeout is out of range",
            "use 0 or more; a timeout is more than 0 seconds",
        )
    if values["protocol"] not in get_args(Protocol):
        raise ConfigError(
            f"the input protocol is {values['protocol']!r}", f"use one of {', '.join(get_args(Protocol))}"
        )
    return Check(values["expected"] or None, values["tolerance"], tuple(int(length) for length in shape))


def _instances(given: StepInputs) -> Any:
    """The instances, or a whole request, from the one input that is set."""
    values, data = given.values, given.artifacts.get("data")
    options = [values["instances"], values["request"], data]
    if sum(bool(one) for one in options) != 1:
        raise ConfigError("predict needs exactly one kind of instances", "set one of instances, request and data")
    return _read(data) if data else values["instances"] or values["request"]


def _read(path: Path) -> Any:
    """The JSON of an artifact: a file, or the only file of a folder."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if len(files) != 1:
        raise ConfigError(f"the artifact data has {len(files)} files", "write one file with JSON")
    try:
        found = json.loads(files[0].read_bytes())
    except ValueError as error:
        raise ConfigError(f"the artifact data is not JSON: {error}", "write a list of instances as JSON") from None
    if not isinstance(found, (list, dict)) or not found:
        raise ConfigError(
            f"the artifact data contains {type(found).__name__} {str(found)[:50]!r}",
            "write a list of instances, or a whole request",
        )
    return found


def _verdict(check: Check, requests: int) -> str:
    if check.expected is not None:
        return "the endpoint answers as expected"
    return f"the endpoint answers {requests} request{'s' if requests > 1 else ''}"


PREDICT = ReusableComponent(
    name="predict",
    category="deployment",
    description="Sends instances to an endpoint, checks the predictions, and measures how long they take.",
    details=(
        "The endpoint speaks KServe's V1 protocol or the Open Inference Protocol (V2); by default, it tells which. "
        "Instances are a list, a whole request, or an artifact with either as JSON. Predictions can be compared with "
        "expected ones, number by number within a tolerance, and their shape can be checked. The step fails with the "
        "server's own error, or with the differences; with `required=False` it succeeds, and the output `outcome` is "
        f"`failed`, so that a pipeline can roll back.{UNCACHED}"
    ),
    inputs=(
        Input("endpoint", "str", "URL of the server, or of its model."),
        Input("instances", "list", "Instances to send.", default=[]),
        Input("request", "dict", 'A whole request instead, such as `{"inputs": […]}`.', default={}),
        Input("data", "artifact", "JSON file with instances or a whole request, instead.", optional=True),
        Input("model", "str", "Name of the model; needed if the server has several.", default=""),
        Input("protocol", "str", "`v1`, `v2` or `auto`.", default="auto"),
        Input("batch", "int", "Instances per request; 0 for all in one.", default=0),
        Input("expected", "list", "Expected predictions; not compared if empty.", default=[]),
        Input("tolerance", "float", "Largest absolute difference of a number from the expected one.", default=0.0),
        Input("shape", "list", "Expected shape of the predictions, with -1 for any length.", default=[]),
        Input("required", "bool", "Whether an error or a wrong answer fails the step.", default=True),
        Input("host", "str", "Host name to send, for a gateway that routes by it.", default=""),
        Input("timeout", "float", "Time a request may take, in seconds.", default=60.0),
    ),
    outputs=(
        Output("outcome", "str", "`passed` or `failed`."),
        Output("predictions", "dataset", "The predictions as JSON."),
        Output("metrics", "metrics", "Latencies in seconds, counts, and the largest difference from what is expected."),
    ),
    run=run,
    example='''\
predict = load("deployment/predict")


@dsl.pipeline(name="predict-example")
def example(endpoint: str = "http://digits.models.svc"):
    """Asks an endpoint, and fails unless it answers as expected."""
    asked = predict(
        endpoint=endpoint, instances=[[1.0, 2.0], [3.0, 4.0]], expected=[3.0, 7.0], tolerance=0.01, shape=[-1]
    )
    asked.set_caching_options(False)
''',
    tags=("deployment", "serving", "inference", "testing"),
    cached=False,
)
