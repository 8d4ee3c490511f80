"""Parsing and validation of a request's input tensors."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from .bounds import Bounds, spread
from .datatypes import DATATYPES, Datatype, numpy
from .http_error import bad_request
from .tensors import BASE64, Tensor, nested

_MAX_DIMENSIONS = 32
_SIZE_LIMIT = 1 << 63
_EXPECTED = {"b": "true or false", "i": "integers in the range", "f": "numbers", "s": "texts"}


def read(given: Any, binary: memoryview | None, bounds: Bounds) -> tuple[Tensor, memoryview | None]:
    """Parses one element of `inputs`.

    Args:
        given: the element.
        binary: the binary data after the JSON that no earlier tensor used; None if the request has none.
        bounds: the limits of the request.

    Returns:
        The tensor, and the binary data after that of this tensor.

    Raises:
        HTTPError: the element is malformed (400), or describes too much data (413).
    """
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad_request('each of "inputs" must be an object with "name", "shape", "datatype" and "data"')
    name, parameters = given["name"], given.get("parameters") or {}
    datatype = DATATYPES.get(given["datatype"]) if isinstance(given.get("datatype"), str) else None
    if datatype is None:
        raise bad_request(
            f'the input {name!r} has the "datatype" {given.get("datatype")!r}: use one of {", ".join(DATATYPES)}'
        )
    shape = given.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size < _SIZE_LIMIT for size in shape):
        raise bad_request(f'the input {name!r} needs a "shape": a list of non-negative integers')
    if len(shape) > _MAX_DIMENSIONS:
        raise bad_request(f"the input {name!r} has {len(shape)} dimensions: at most {_MAX_DIMENSIONS} are supported")
    if not isinstance(parameters, dict):
        raise bad_request(f'the "parameters" of the input {name!r} are not an object')
    if "binary_data_size" in parameters:
        size = parameters["binary_data_size"]
        if binary is None or type(size) is not int or not 0 <= size <= len(binary):
            raise bad_request(
                f'the input {name!r} has a "binary_data_size" of {size!r}, but fewer bytes follow the JSON'
            )
        elements = _unpack(name, datatype, tuple(shape), binary[:size])
        return _make_tensor(name, datatype, tuple(shape), elements, bounds), binary[size:]
    data = given.get("data")
    if not isinstance(data, list):
        raise bad_request(f'the input {name!r} needs "data": a list')
    if datatype.kind == "s" and parameters.get("content_type") == BASE64:
        data = _decode_base64(name, data)
    return _make_tensor(name, datatype, tuple(shape), data, bounds), binary


def _make_tensor(name: str, datatype: Datatype, shape: tuple[int, ...], data: Any, bounds: Bounds) -> Tensor:
    """Creates a tensor from its elements, which are nested as the shape or in one list.

    Raises:
        HTTPError: the elements do not match the shape or the datatype (400), or the shape nests too many lists (413).
    """
    np = numpy()
    if isinstance(data, list):
        found = spread(data)
        if found is None:
            raise bad_request(f'the "data" of the input {name!r} are lists of different lengths')
        data_shape, data = found
    else:
        data_shape = data.shape
    _check_shape(name, shape, data_shape, len(data))
    bounds.shape(shape, len(data))
    if datatype.kind != "s" and np is not None:
        array = data if isinstance(data, np.ndarray) else _array(np, name, datatype, data)
    else:
        flat = [_check_value(name, datatype, value) for value in data]
        if np is None:
            return Tensor(name, datatype, shape, nested(flat, shape))
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
    try:
        return Tensor(name, datatype, shape, array.reshape(shape))
    except ValueError as error:
        raise bad_request(f"the input {name!r} cannot have the shape {list(shape)}: {error}") from None


def _check_shape(name: str, shape: tuple[int, ...], data_shape: Sequence[int], count: int) -> None:
    expected = math.prod(shape)
    if count != expected or (len(data_shape) > 1 and tuple(data_shape) != shape):
        raise bad_request(
            f'the input {name!r} has the "shape" {list(shape)}, which is {expected} elements, '
            f"but its data are {count} in the shape {list(data_shape)}"
        )


def _array(np: Any, name: str, datatype: Datatype, data: list[Any]) -> Any:
    expected = f"the input {name!r} must contain {_EXPECTED[datatype.kind]} of {datatype.name}"
    if not set(map(type, data)) <= {int, float, bool, type(None)}:
        raise bad_request(expected)
    array = np.asarray(data)
    if array.size == 0:
        return array.astype(datatype.numpy)
    if array.dtype.kind == "O" and datatype.kind == "f":
        if not all(value is None or type(value) in (int, float) for value in array.flat):
            raise bad_request(expected)
        try:
            array = array.astype("f8")  # null becomes NaN
        except OverflowError:
            raise bad_request(expected) from None
    if array.dtype.kind in "fO" and datatype.kind == "i":  # numpy converts the largest integers to floats
        array = np.asarray(data, dtype=object)
        least, most = datatype.bounds
        if all(type(value) is int and least <= value <= most for value in array.flat):
            return array.astype(datatype.numpy)
        raise bad_request(f"{expected}: from {least} to {most}")
    allowed = {"b": "b", "i": "iu", "f": "fiu"}[datatype.kind]
    if array.dtype.kind not in allowed:
        raise bad_request(expected)
    if datatype.kind == "i":
        least, most = datatype.bounds
        if int(array.min()) < least or int(array.max()) > most:
            raise bad_request(f"{expected}: from {least} to {most}")
    with np.errstate(over="ignore"):
        return array.astype(datatype.numpy)


def _check_value(name: str, datatype: Datatype, value: Any) -> Any:
    if datatype.kind == "b" and isinstance(value, bool):
        return value
    if datatype.kind == "s" and isinstance(value, (str, bytes)):
        return value
    if datatype.kind == "i" and type(value) is int and datatype.bounds[0] <= value <= datatype.bounds[1]:
        return value
    if datatype.kind == "f" and value is None:
        return math.nan
    if datatype.kind == "f" and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            pass
    raise bad_request(
        f"the input {name!r} must contain {_EXPECTED[datatype.kind]} of {datatype.name}, not {str(value)[:40]!r}"
    )


def _unpack(name: str, datatype: Datatype, shape: tuple[int, ...], data: memoryview) -> Any:
    """Unpacks the elements of a tensor from binary data."""
    if datatype.kind == "s":
        return list(_strings(name, data))
    count = math.prod(shape)
    if len(data) != count * datatype.size:
        raise bad_request(
            f"the input {name!r} has {len(data)} bytes; {datatype.name} of the shape {list(shape)} needs "
            f"{count * datatype.size}"
        )
    np = numpy()
    if np is not None:
        return np.frombuffer(data, dtype=datatype.numpy).copy()
    return list(struct.unpack(f"<{count}{datatype.code}", data))


def _strings(name: str, data: memoryview) -> Iterator[bytes]:
    """The elements of `BYTES`, each of which follows its length in four bytes."""
    offset = 0
    while offset < len(data):
        start = offset + 4
        length = struct.unpack_from("<I", data, offset)[0] if start <= len(data) else len(data)
        if start + length > len(data):
            raise bad_request(
                f"the input {name!r} ends within an element: each is its length in four bytes, then its bytes"
            )
        yield bytes(data[start : start + length])
        offset = start + length


def _decode_base64(name: str, data: list[Any]) -> list[Any]:
    if any(isinstance(one, list) for one in data):
        return [_decode_base64(name, one) if isinstance(one, list) else one for one in data]
    try:
        return [base64.b64decode(one, validate=True) for one in data]
    except (binascii.Error, ValueError, TypeError):
        raise bad_request(f'the input {name!r} has the "content_type" base64, but is not valid base64') from None
