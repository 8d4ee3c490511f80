"""The Open Inference Protocol (https://github.com/kserve/open-inference-protocol), with binary tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import answers, inputs, tensor_input
from .bounds import Bounds
from .refusal import bad
from .tensors import Tensor, made_of

OUTPUT = "output-0"
"""The name of the only output."""


@dataclass(frozen=True)
class Request:
    """An inference request.

    Attributes:
        tensors: its inputs.
        id: what the answer is to be known by; None where nothing is said.
        outputs: the outputs that are wanted, and whether each is wanted in binary; empty for all of them.
        binary: whether the others are.
    """

    tensors: tuple[Tensor, ...]
    id: str | None = None
    outputs: Mapping[str, bool] = field(default_factory=dict)
    binary: bool = False


def read(body: Any, rest: memoryview | None, bounds: Bounds) -> Request:
    """A request of its JSON, and of the bytes behind it, if that is what the header says.

    Raises:
        Refusal: it is malformed (400), or stands for too much (413).
    """
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list) or not body["inputs"]:
        raise bad('a JSON object with "inputs" is wanted, a list of tensors (Open Inference Protocol)')
    if not isinstance(body.get("id", ""), str):
        raise bad('the "id" is a text')
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise bad('the "parameters" are an object')
    tensors = []
    for given in body["inputs"]:
        tensor, rest = tensor_input.read(given, rest, bounds)
        tensors.append(tensor)
    if rest:
        raise bad(f"{len(rest)} bytes behind the JSON belong to no input")
    binary = parameters.get("binary_data_output") is True
    outputs = body.get("outputs") or []
    if not isinstance(outputs, list):
        raise bad('the "outputs" are a list')
    return Request(tuple(tensors), body.get("id"), dict(_output(one, binary) for one in outputs), binary)


def _output(given: Any, binary: bool) -> tuple[str, bool]:
    parameters = given.get("parameters") or {} if isinstance(given, dict) else None
    if not isinstance(parameters, dict) or not isinstance(given.get("name"), str):
        raise bad('each of "outputs" is an object with a "name"')
    return given["name"], parameters.get("binary_data", binary) is True


def argument(kind: str, request: Request, bounds: Bounds) -> Any:
    """What a method is given.

    Raises:
        Refusal: it takes something else (400), or they stand for too much (413).
    """
    return inputs.of_v2(kind, request.tensors, bounds)


def write(request: Request, result: Any, model: str, version: str) -> tuple[bytes, int | None]:
    """The body of an answer, and how much of it is JSON where bytes follow.

    Raises:
        TypeError: no tensor can hold the result.
        Refusal: an output is wanted that there is not (400).
    """
    made = {tensor.name: tensor for tensor in _tensors(result)}
    for name in request.outputs:
        if name not in made:
            raise bad(f"there is no output {name!r}; there are: {', '.join(made)}")
    documents, parts = [], []
    for name, tensor in made.items():
        if request.outputs and name not in request.outputs:
            continue
        if request.outputs.get(name, request.binary):
            document, part = tensor.binary()
            parts.append(part)
        else:
            document = tensor.document()
        documents.append(document)
    answer = {"model_name": model, "model_version": version, "outputs": documents}
    if request.id is not None:
        answer["id"] = request.id
    text = answers.dumps(answer)
    return (b"".join([text, *parts]), len(text)) if parts else (text, None)


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Mapping):
        return [made_of(str(name), value) for name, value in result.items()]
    if hasattr(result, "columns") and hasattr(result, "to_dict"):  # a frame
        return [made_of(str(name), result[name]) for name in result.columns]
    return [made_of(OUTPUT, result)]
