"""The input tensors of a request, checked."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from .bounds import Bounds, spread
from .datatypes import DATATYPES, Datatype, numpy
from .refusal import bad
from .tensors import BASE64, Tensor, nested

_MOST_DIMENSIONS = 32
_LARGEST = 1 << 63
_WORDS = {"b": "true or false", "i": "whole numbers that fit", "f": "numbers", "s": "texts"}


def read(given: Any, binary: memoryview | None, bounds: Bounds) -> tuple[Tensor, memoryview | None]:
    """The tensor of one element of `inputs`, and what is left of the bytes behind the JSON.

    Raises:
        Refusal: it is malformed (400), or stands for too much (413).
    """
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad('each of "inputs" is an object with "name", "shape", "datatype" and "data"')
    name, parameters = given["name"], given.get("parameters") or {}
    datatype = DATATYPES.get(given["datatype"]) if isinstance(given.get("datatype"), str) else None
    if datatype is None:
        raise bad(f'the input {name!r} has the "datatype" {given.get("datatype")!r}: use one of {", ".join(DATATYPES)}')
    shape = given.get("shape")
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size < _LARGEST for size in shape):
        raise bad(f'the input {name!r} needs a "shape": a list of whole numbers')
    if len(shape) > _MOST_DIMENSIONS:
        raise bad(f"the input {name!r} has {len(shape)} dimensions: at most {_MOST_DIMENSIONS} are taken")
    if not isinstance(parameters, dict):
        raise bad(f'the "parameters" of the input {name!r} are no object')
    if "binary_data_size" in parameters:
        size = parameters["binary_data_size"]
        if binary is None or type(size) is not int or not 0 <= size <= len(binary):
            raise bad(
                f'the input {name!r} has a "binary_data_size" of {size!r}, but so many bytes do not follow the JSON'
            )
        elements = _unpacked(name, datatype, tuple(shape), binary[:size])
        return _shaped(name, datatype, tuple(shape), elements, bounds), binary[size:]
    data = given.get("data")
    if not isinstance(data, list):
        raise bad(f'the input {name!r} needs "data": a list')
    if datatype.kind == "s" and parameters.get("content_type") == BASE64:
        data = _decoded(name, data)
    return _shaped(name, datatype, tuple(shape), data, bounds), binary


def _shaped(name: str, datatype: Datatype, shape: tuple[int, ...], data: Any, bounds: Bounds) -> Tensor:
    """The tensor of elements, nested as its shape or in one row.

    Raises:
        Refusal: they do not fit the shape or the datatype (400), or the shape nests too many lists (413).
    """
    np = numpy()
    if isinstance(data, list):
        found = spread(data)
        if found is None:
            raise bad(f'the "data" of the input {name!r} are lists of different lengths')
        own, data = found
    else:
        own = data.shape
    _check_shape(name, shape, own, len(data))
    bounds.shape(shape, len(data))
    if datatype.kind != "s" and np is not None:
        array = data if isinstance(data, np.ndarray) else _array(np, name, datatype, data)
    else:
        flat = [_checked(name, datatype, value) for value in data]
        if np is None:
            return Tensor(name, datatype, shape, nested(flat, shape))
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
    try:
        return Tensor(name, datatype, shape, array.reshape(shape))
    except ValueError as error:
        raise bad(f"the input {name!r} cannot have the shape {list(shape)}: {error}") from None


def _check_shape(name: str, shape: tuple[int, ...], own: Sequence[int], count: int) -> None:
    wanted = math.prod(shape)
    if count != wanted or (len(own) > 1 and tuple(own) != shape):
        raise bad(
            f'the input {name!r} has the "shape" {list(shape)}, which is {wanted} elements, '
            f"but its data are {count} in the shape {list(own)}"
        )


def _array(np: Any, name: str, datatype: Datatype, data: list[Any]) -> Any:
    wanted = f"the input {name!r} wants {_WORDS[datatype.kind]} for {datatype.name}"
    if not set(map(type, data)) <= {int, float, bool, type(None)}:
        raise bad(wanted)
    array = np.asarray(data)
    if array.size == 0:
        return array.astype(datatype.numpy)
    if array.dtype.kind == "O" and datatype.kind == "f":
        if not all(value is None or type(value) in (int, float) for value in array.flat):
            raise bad(wanted)
        try:
            array = array.astype("f8")  # null is not a number
        except OverflowError:
            raise bad(wanted) from None
    if array.dtype.kind in "fO" and datatype.kind == "i":  # numpy makes floats of the largest whole numbers
        array = np.asarray(data, dtype=object)
        least, most = datatype.bounds
        if all(type(value) is int and least <= value <= most for value in array.flat):
            return array.astype(datatype.numpy)
        raise bad(f"{wanted}: from {least} to {most}")
    fitting = {"b": "b", "i": "iu", "f": "fiu"}[datatype.kind]
    if array.dtype.kind not in fitting:
        raise bad(wanted)
    if datatype.kind == "i":
        least, most = datatype.bounds
        if int(array.min()) < least or int(array.max()) > most:
            raise bad(f"{wanted}: from {least} to {most}")
    with np.errstate(over="ignore"):
        return array.astype(datatype.numpy)


def _checked(name: str, datatype: Datatype, value: Any) -> Any:
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
    raise bad(f"the input {name!r} wants {_WORDS[datatype.kind]} for {datatype.name}, not {str(value)[:40]!r}")


def _unpacked(name: str, datatype: Datatype, shape: tuple[int, ...], data: memoryview) -> Any:
    """The elements that a tensor has in binary."""
    if datatype.kind == "s":
        return list(_strings(name, data))
    count = math.prod(shape)
    if len(data) != count * datatype.size:
        raise bad(
            f"the input {name!r} has {len(data)} bytes; {datatype.name} of the shape {list(shape)} has "
            f"{count * datatype.size}"
        )
    np = numpy()
    if np is not None:
        return np.frombuffer(data, dtype=datatype.numpy).copy()
    return list(struct.unpack(f"<{count}{datatype.code}", data))


def _strings(name: str, data: memoryview) -> Iterator[bytes]:
    """Elements of `BYTES`, each behind its length of four bytes."""
    place = 0
    while place < len(data):
        end = place + 4
        length = struct.unpack_from("<I", data, place)[0] if end <= len(data) else len(data)
        if end + length > len(data):
            raise bad(f"the input {name!r} ends inside of an element: each is its length in four bytes, then the bytes")
        yield bytes(data[end : end + length])
        place = end + length


def _decoded(name: str, data: list[Any]) -> list[Any]:
    if any(isinstance(one, list) for one in data):
        return [_decoded(name, one) if isinstance(one, list) else one for one in data]
    try:
        return [base64.b64decode(one, validate=True) for one in data]
    except (binascii.Error, ValueError, TypeError):
        raise bad(f'the input {name!r} is said to be base64 by its "content_type", and is not') from None
