"""The kinds of input that a method takes, and the conversion of requests to them."""

from __future__ import annotations

import base64
import binascii
import importlib
import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

from .bounds import Bounds, spread
from .datatypes import numpy
from .http_error import HTTPError, bad_request
from .tensors import Tensor

ANY = "any"
"""No annotation: the instances of a V1 request as a list; the only tensor of a V2 request, as an array with numpy."""
LIST = "list"
DICT = "dict"
"""The whole JSON object of a V1 request; the tensors of a V2 request by name."""
ARRAY = "ndarray"
FRAME = "dataframe"
BYTES = "bytes"
"""One blob: the raw body, or base64 in JSON."""
BLOBS = "list[bytes]"

REQUESTS = {
    ANY: '{"instances": [...]}',
    LIST: '{"instances": [...]}',
    DICT: "a JSON object",
    ARRAY: '{"instances": [[1.0, 2.0], ...]}, numbers or texts in lists of equal length',
    FRAME: '{"instances": [{"column": value, ...}, ...]} or {"inputs": {"column": [...], ...}}',
    BYTES: 'raw bytes as application/octet-stream, or {"instances": [{"b64": "..."}]} with one instance',
    BLOBS: '{"instances": [{"b64": "..."}, ...]}',
}
"""The V1 request of each kind, for messages and the OpenAPI document."""


def of_v1(kind: str, body: Any, bounds: Bounds) -> Any:
    """Converts the JSON of a V1 request to the argument of a method.

    Raises:
        HTTPError: the request is malformed (400), or describes too much data (413).
    """
    if not isinstance(body, dict):
        raise _unexpected(kind, "expected a JSON object")
    if kind == DICT:
        return body
    if ("instances" in body) == ("inputs" in body):
        raise _unexpected(kind, 'expected either "instances" or "inputs"')
    given = body.get("instances", body.get("inputs"))
    if kind == ANY and "inputs" in body:
        return given
    if kind == FRAME:
        return _frame(given, bounds)
    if not isinstance(given, list):
        raise _unexpected(kind, "expected a list")
    if kind == ARRAY:
        return _array(given, bounds)
    if kind in (BYTES, BLOBS):
        blobs = [_blob(kind, one) for one in given]
        return blobs if kind == BLOBS else _only(kind, blobs)
    return given


def of_v2(kind: str, tensors: Sequence[Tensor], bounds: Bounds) -> Any:
    """Converts the tensors of a V2 request to the argument of a method.

    Raises:
        HTTPError: the method does not take these tensors (400), or they describe too much data (413).
    """
    named: dict[str, Tensor] = {}
    for tensor in tensors:
        if named.setdefault(tensor.name, tensor) is not tensor:
            raise bad_request(f"two inputs have the name {tensor.name!r}")
    if kind == DICT:
        return {name: _decoded(tensor).values for name, tensor in named.items()}
    if kind == FRAME:
        return _frame_of_tensors(tensors)
    if len(tensors) != 1:
        raise bad_request(f"this predictor takes one input tensor, not {len(tensors)}")
    (tensor,) = tensors
    if kind in (BYTES, BLOBS):
        if tensor.datatype.name != "BYTES":
            raise bad_request(f"this predictor takes a tensor of BYTES, not of {tensor.datatype.name}")
        blobs = [one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass") for one in tensor.flat]
        return blobs if kind == BLOBS else _only(kind, blobs)
    if kind != LIST:
        return _decoded(tensor).values
    bounds.lists(tensor.shape, math.prod(tensor.shape))
    return _decoded(tensor).as_list


def _decoded(tensor: Tensor) -> Tensor:
    """The tensor with its bytes decoded to text."""
    if tensor.datatype.name != "BYTES" or not any(isinstance(one, bytes) for one in tensor.flat):
        return tensor
    try:
        flat = [one.decode() if isinstance(one, bytes) else one for one in tensor.flat]
    except UnicodeDecodeError:
        raise bad_request(f"the input {tensor.name!r} must contain texts in UTF-8") from None
    return tensor.with_flat(flat)


def _array(given: list[Any], bounds: Bounds) -> Any:
    np = numpy()
    floats = _floats(np, given)
    if floats is not None:
        return floats
    found = spread(given)
    if found is None:
        raise _unexpected(ARRAY, "lists of different lengths")
    shape, flat = found
    kinds = set(map(type, flat))
    if not kinds <= {int, float, bool, str, type(None)}:
        raise _unexpected(ARRAY, "expected numbers or texts")
    if kinds == {str}:
        bounds.texts(len(flat), max(map(len, flat)), sum(map(len, flat)))
    try:
        if str in kinds and len(kinds) > 1:  # numpy would convert the numbers to texts
            array = np.empty(len(flat), dtype=object)
            array[:] = flat
        else:
            array = np.asarray(flat)
            array = array.astype("f8") if array.dtype.kind == "O" else array  # null becomes NaN
        return array.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise _unexpected(ARRAY, str(error)) from None


def _floats(np: Any, given: list[Any]) -> Any:
    """A fast path: the array of nested lists of numbers that start with a float; None if the values are others."""
    shape, level = [len(given)], given
    try:
        while type(level[0]) is list:
            sizes = set(map(len, level))
            if len(sizes) != 1:
                return None
            shape.append(sizes.pop())
            level = list(chain.from_iterable(level))
        if type(level[0]) is not float:
            return None
        array = np.empty(len(level))
        struct.pack_into(f"{len(level)}d", array, 0, *level)
        return array.reshape(shape)
    except (IndexError, OverflowError, TypeError, ValueError, struct.error):
        return None


def _frame(given: Any, bounds: Bounds) -> Any:
    pandas = importlib.import_module("pandas")
    if isinstance(given, list):
        kinds = {type(one) for one in given}
        fits = kinds <= {dict} or kinds <= {list}
        if kinds == {dict}:
            bounds.frame(len(given), len(set(chain.from_iterable(given))), sum(map(len, given)))
        elif kinds == {list}:
            bounds.frame(len(given), max(map(len, given)), sum(map(len, given)))
    else:
        fits = isinstance(given, dict) and all(isinstance(one, list) for one in given.values())
    if not fits:
        raise _unexpected(FRAME, "expected rows or columns")
    try:
        return pandas.DataFrame(given)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unexpected(FRAME, str(error)) from None


def _frame_of_tensors(tensors: Sequence[Tensor]) -> Any:
    """A data frame with a tensor as each column, or with the columns of the only tensor."""
    pandas = importlib.import_module("pandas")
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].shape[1] != 1:
        return pandas.DataFrame(_decoded(tensors[0]).values)
    for tensor in tensors:
        if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ((), (1,)):
            raise bad_request(
                f"the input {tensor.name!r} is not a column: its shape is {list(tensor.shape)}, not [n] or [n, 1]"
            )
    if len({tensor.shape[0] for tensor in tensors}) > 1:
        raise bad_request("the inputs are columns of different lengths")
    return pandas.DataFrame({tensor.name: _decoded(tensor).values.ravel() for tensor in tensors})


def _blob(kind: str, one: Any) -> bytes:
    if isinstance(one, str):
        return one.encode("utf-8", "surrogatepass")
    if isinstance(one, dict) and set(one) == {"b64"} and isinstance(one["b64"], str):
        try:
            return base64.b64decode(one["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise _unexpected(kind, 'the value of "b64" is not base64') from None
    raise _unexpected(kind, "expected texts or bytes in base64")


def _only(kind: str, blobs: list[bytes]) -> bytes:
    if len(blobs) != 1:
        raise _unexpected(kind, f"expected one instance, not {len(blobs)}")
    return blobs[0]


def _unexpected(kind: str, why: str) -> HTTPError:
    return bad_request(f"{why}; this predictor takes {REQUESTS[kind]}")
