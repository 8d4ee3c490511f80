"""V1 and V2 requests made from arrays, data frames, lists and bytes, and arrays made from the responses."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ConfigError, EndpointError
from fairing_kfp.serving.server import answers, tensor_input, v1
from fairing_kfp.serving.server.bounds import Bounds
from fairing_kfp.serving.server.datatypes import numpy
from fairing_kfp.serving.server.http_error import HTTPError
from fairing_kfp.serving.server.tensors import BINARY, HEADER, Tensor, make_tensor

__all__ = ["HEADER", "from_v1", "from_v2", "is_tensor", "takes_binary", "to_v1", "to_v2"]

_JSON = {"Content-Type": "application/json"}
_BYTES = {"Content-Type": "application/octet-stream"}
_INPUT = "input-0"


def is_tensor(value: Any) -> bool:
    """Whether V2 suits a value best: an array, a data frame, bytes."""
    return _is("numpy", "ndarray", value) or _is("pandas", "DataFrame", value) or _is_bytes(value)


def takes_binary(server: Mapping[str, Any]) -> bool:
    """Whether a server supports binary tensors.

    Args:
        server: the server's V2 metadata.
    """
    return BINARY in (server.get("extensions") or ())


def to_v1(instances: Any) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a V1 request.

    Raises:
        ConfigError: the instances cannot be written as JSON.
    """
    if isinstance(instances, (bytes, bytearray, memoryview)):
        return _BYTES, bytes(instances)
    request = instances if isinstance(instances, Mapping) else {"instances": instances}
    try:
        return _JSON, answers.dumps(request)
    except TypeError as error:
        raise _error("V1", error) from error


def from_v1(answer: Any, instances: Any) -> Any:
    """The result in a V1 response, as an array if the instances were an array or data frame and it fits."""
    result = answer
    for key in v1.KEYS.values():
        if isinstance(answer, dict) and key in answer:
            result = answer[key]
    np = numpy() if is_tensor(instances) and not _is_bytes(instances) else None
    if np is None or not isinstance(result, list):
        return result
    try:
        array = np.asarray(result)
    except ValueError:
        return result
    return result if array.dtype.kind == "O" else array


def to_v2(instances: Any, *, binary: bool) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a V2 request.

    Args:
        instances: an array, a data frame (one tensor per column), tensors by name, bytes, or a list.
        binary: whether the server supports binary tensors.

    Raises:
        ConfigError: the instances cannot be written as tensors.
    """
    try:
        tensors = _tensors(instances)
    except TypeError as error:
        raise _error("V2", error) from error
    if not binary:
        return _JSON, answers.dumps({"inputs": [tensor.document() for tensor in tensors]})
    documents, parts = zip(*(tensor.binary() for tensor in tensors), strict=True)
    text = answers.dumps({"inputs": documents, "parameters": {"binary_data_output": True}})
    return {**_BYTES, HEADER: str(len(text))}, b"".join([text, *parts])


def from_v2(answer: bytes, length: int | None) -> Any:
    """The output in a V2 response, or several by name.

    Args:
        answer: body of the response.
        length: length of its JSON, in bytes, if binary data follows.

    Raises:
        EndpointError: the response is malformed.
    """
    rest, bounds = None if length is None else memoryview(answer)[length:], Bounds(len(answer))
    try:
        outputs = json.loads(answer[:length])["outputs"]
        found: dict[str, Any] = {}
        for document in outputs:
            tensor, rest = tensor_input.read(document, rest, bounds)
            found[tensor.name] = _text(tensor)
    except (HTTPError, ValueError, KeyError, TypeError) as error:
        raise EndpointError(
            f"the response does not follow the Open Inference Protocol: {error}", "try protocol='v1'"
        ) from error
    return next(iter(found.values())) if len(found) == 1 else found


def _text(tensor: Tensor) -> Any:
    """The values of a tensor; bytes are decoded if they are text."""
    if tensor.datatype.kind != "s":
        return tensor.values
    try:
        flat = [one.decode() if isinstance(one, bytes) else one for one in tensor.flat]
    except UnicodeDecodeError:
        return tensor.values
    return tensor.with_flat(flat).values


def _tensors(instances: Any) -> list[Tensor]:
    if isinstance(instances, (bytes, bytearray, memoryview)):
        instances = [bytes(instances)]
    if isinstance(instances, Mapping):
        return [make_tensor(str(name), value) for name, value in instances.items()]
    if _is("pandas", "DataFrame", instances):
        return [make_tensor(str(name), instances[name]) for name in instances.columns]
    return [make_tensor(_INPUT, instances)]


def _is(module: str, name: str, value: Any) -> bool:
    """Whether a value is an instance of a class of a module, which is not imported for that."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(value, found)


def _is_bytes(value: Any) -> bool:
    single = isinstance(value, (bytes, bytearray, memoryview))
    return single or (isinstance(value, list) and bool(value) and all(isinstance(one, bytes) for one in value))


def _error(protocol: str, error: TypeError) -> ConfigError:
    return ConfigError(f"the instances do not fit into a {protocol} request: {error}", "use an array or lists")
