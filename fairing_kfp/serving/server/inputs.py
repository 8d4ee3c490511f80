"""What a method takes, by its annotation, and how it is made of a request."""

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
from .refusal import Refusal, bad
from .tensors import Tensor

ANY = "any"
"""No annotation: the list of V1; of V2 the only tensor, as an array where there is numpy."""
LIST = "list"
DICT = "dict"
"""The whole JSON object of V1; of V2 the tensors by their names."""
ARRAY = "ndarray"
FRAME = "dataframe"
BYTES = "bytes"
"""One blob: the body as it is, or in base64."""
BLOBS = "list[bytes]"

WORDS = {
    ANY: '{"instances": [...]}',
    LIST: '{"instances": [...]}',
    DICT: "a JSON object",
    ARRAY: '{"instances": [[1.0, 2.0], ...]}, numbers or texts in lists as long as one another',
    FRAME: '{"instances": [{"column": value, ...}, ...]} or {"inputs": {"column": [...], ...}}',
    BYTES: 'the bytes themselves as application/octet-stream, or {"instances": [{"b64": "..."}]}, one',
    BLOBS: '{"instances": [{"b64": "..."}, ...]}',
}
"""What a client of V1 sends."""


def of_v1(kind: str, body: Any, bounds: Bounds) -> Any:
    """The argument of a method, of the JSON of a V1 request.

    Raises:
        Refusal: it is malformed (400), or stands for too much (413).
    """
    if not isinstance(body, dict):
        raise _unexpected(kind, "a JSON object is wanted")
    if kind == DICT:
        return body
    if ("instances" in body) == ("inputs" in body):
        raise _unexpected(kind, 'either "instances" or "inputs" is wanted')
    given = body.get("instances", body.get("inputs"))
    if kind == ANY and "inputs" in body:
        return given
    if kind == FRAME:
        return _frame(given, bounds)
    if not isinstance(given, list):
        raise _unexpected(kind, "a list is wanted")
    if kind == ARRAY:
        return _array(given, bounds)
    if kind in (BYTES, BLOBS):
        blobs = [_blob(kind, one) for one in given]
        return blobs if kind == BLOBS else _only(kind, blobs)
    return given


def of_v2(kind: str, tensors: Sequence[Tensor], bounds: Bounds) -> Any:
    """The argument of a method, of the tensors of a V2 request.

    Raises:
        Refusal: they are not what the method takes (400), or stand for too much (413).
    """
    named: dict[str, Tensor] = {}
    for tensor in tensors:
        if named.setdefault(tensor.name, tensor) is not tensor:
            raise bad(f"two inputs have the name {tensor.name!r}")
    if kind == DICT:
        return {name: _text(tensor).values for name, tensor in named.items()}
    if kind == FRAME:
        return _frame_of(tensors)
    if len(tensors) != 1:
        raise bad(f"this predictor takes one input tensor, and not {len(tensors)}")
    (tensor,) = tensors
    if kind in (BYTES, BLOBS):
        if tensor.datatype.name != "BYTES":
            raise bad(f"this predictor takes a tensor of BYTES, and not of {tensor.datatype.name}")
        blobs = [one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass") for one in tensor.flat]
        return blobs if kind == BLOBS else _only(kind, blobs)
    if kind != LIST:
        return _text(tensor).values
    bounds.lists(tensor.shape, math.prod(tensor.shape))
    return _text(tensor).as_list


def _text(tensor: Tensor) -> Tensor:
    """A tensor whose bytes, if it has some, are text."""
    if tensor.datatype.name != "BYTES" or not any(isinstance(one, bytes) for one in tensor.flat):
        return tensor
    try:
        flat = [one.decode() if isinstance(one, bytes) else one for one in tensor.flat]
    except UnicodeDecodeError:
        raise bad(f"the input {tensor.name!r} wants texts in UTF-8") from None
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
        raise _unexpected(ARRAY, "numbers or texts are wanted")
    if kinds == {str}:
        bounds.texts(len(flat), max(map(len, flat)), sum(map(len, flat)))
    try:
        if str in kinds and len(kinds) > 1:  # numpy would make texts of numbers beside texts
            array = np.empty(len(flat), dtype=object)
            array[:] = flat
        else:
            array = np.asarray(flat)
            array = array.astype("f8") if array.dtype.kind == "O" else array  # null is not a number
        return array.reshape(shape)
    except (ValueError, OverflowError) as error:
        raise _unexpected(ARRAY, str(error)) from None


def _floats(np: Any, given: list[Any]) -> Any:
    """The array of nested lists of numbers whose first is a float; None for all others, which `spread` looks into."""
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
        raise _unexpected(FRAME, "rows or columns are wanted")
    try:
        return pandas.DataFrame(given)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unexpected(FRAME, str(error)) from None


def _frame_of(tensors: Sequence[Tensor]) -> Any:
    """A tensor is a column, or if it is the only one several."""
    pandas = importlib.import_module("pandas")
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].shape[1] != 1:
        return pandas.DataFrame(_text(tensors[0]).values)
    for tensor in tensors:
        if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ((), (1,)):
            raise bad(f"the input {tensor.name!r} is no column: its shape is {list(tensor.shape)}, not [n] or [n, 1]")
    if len({tensor.shape[0] for tensor in tensors}) > 1:
        raise bad("the inputs are columns of different lengths")
    return pandas.DataFrame({tensor.name: _text(tensor).values.ravel() for tensor in tensors})


def _blob(kind: str, one: Any) -> bytes:
    if isinstance(one, str):
        return one.encode("utf-8", "surrogatepass")
    if isinstance(one, dict) and set(one) == {"b64"} and isinstance(one["b64"], str):
        try:
            return base64.b64decode(one["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise _unexpected(kind, "what is in b64 is not base64") from None
    raise _unexpected(kind, "texts or bytes in base64 are wanted")


def _only(kind: str, blobs: list[bytes]) -> bytes:
    if len(blobs) != 1:
        raise _unexpected(kind, f"one is wanted, and not {len(blobs)}")
    return blobs[0]


def _unexpected(kind: str, why: str) -> Refusal:
    return bad(f"{why}; this predictor takes {WORDS[kind]}")
