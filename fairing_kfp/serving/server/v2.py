"""The Open Inference Protocol (https://github.com/kserve/open-inference-protocol), with binary tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import answers, inputs, tensor_input
from .bounds import Bounds
from .http_error import bad_request
from .tensors import Tensor, make_tensor

OUTPUT = "output-0"
"""The name of the output if a result is a single tensor."""


@dataclass(frozen=True)
class Request:
    """An inference request.

    Attributes:
        tensors: the inputs.
        id: the id of the request, which the response repeats; None if it has none.
        outputs: for each requested output, whether it is requested as binary data; empty for all outputs.
        binary: whether all other outputs are requested as binary data.
    """

    tensors: tuple[Tensor, ...]
    id: str | None = None
    outputs: Mapping[str, bool] = field(default_factory=dict)
    binary: bool = False


def read(body: Any, rest: memoryview | None, bounds: Bounds) -> Request:
    """Parses a request.

    Args:
        body: its JSON.
        rest: the binary data after the JSON; None if the request has none.
        bounds: the limits of the request.

    Raises:
        HTTPError: the request is malformed (400), or describes too much data (413).
    """
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list) or not body["inputs"]:
        raise bad_request('expected a JSON object with "inputs", a list of tensors (Open Inference Protocol)')
    if not isinstance(body.get("id", ""), str):
        raise bad_request('the "id" must be a text')
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise bad_request('the "parameters" must be an object')
    tensors = []
    for given in body["inputs"]:
        tensor, rest = tensor_input.read(given, rest, bounds)
        tensors.append(tensor)
    if rest:
        raise bad_request(f"{len(rest)} bytes after the JSON belong to no input")
    binary = parameters.get("binary_data_output") is True
    outputs = body.get("outputs") or []
    if not isinstance(outputs, list):
        raise bad_request('the "outputs" must be a list')
    return Request(tuple(tensors), body.get("id"), dict(_output(one, binary) for one in outputs), binary)


def _output(given: Any, binary: bool) -> tuple[str, bool]:
    parameters = given.get("parameters") or {} if isinstance(given, dict) else None
    if not isinstance(parameters, dict) or not isinstance(given.get("name"), str):
        raise bad_request('each of "outputs" must be an object with a "name"')
    return given["name"], parameters.get("binary_data", binary) is True


def argument(kind: str, request: Request, bounds: Bounds) -> Any:
    """Converts the inputs of a request to the argument of a method.

    Raises:
        HTTPError: the method does not take these inputs (400), or they describe too much data (413).
    """
    return inputs.of_v2(kind, request.tensors, bounds)


def write(request: Request, result: Any, model: str, version: str) -> tuple[bytes, int | None]:
    """The body of a response, and the number of its bytes that are JSON; None if no binary data follow.

    Raises:
        TypeError: no datatype can represent the result.
        HTTPError: the request names an output that the result does not have (400).
    """
    tensors = {tensor.name: tensor for tensor in _tensors(result)}
    for name in request.outputs:
        if name not in tensors:
            raise bad_request(f"the output {name!r} does not exist; the outputs are {', '.join(tensors)}")
    documents, parts = [], []
    for name, tensor in tensors.items():
        if request.outputs and name not in request.outputs:
            continue
        if request.outputs.get(name, request.binary):
            document, part = tensor.binary()
            parts.append(part)
        else:
            document = tensor.document()
        documents.append(document)
    response = {"model_name": model, "model_version": version, "outputs": documents}
    if request.id is not None:
        response["id"] = request.id
    text = answers.dumps(response)
    return (b"".join([text, *parts]), len(text)) if parts else (text, None)


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Mapping):
        return [make_tensor(str(name), value) for name, value in result.items()]
    if hasattr(result, "columns") and hasattr(result, "to_dict"):  # a data frame
        return [make_tensor(str(name), result[name]) for name in result.columns]
    return [make_tensor(OUTPUT, result)]
