"""Tensors of the Open Inference Protocol, as JSON and as binary data after the JSON (the binary tensor extension).

The values are an array if numpy is installed, else nested lists. Elements of `BYTES` are text, or bytes if the client
sent base64 or binary data. JSON contains bytes as base64, with the parameter `content_type`.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .bounds import spread
from .datatypes import DATATYPES, Datatype, numpy

BINARY = "binary_tensor_data"
"""The extension's name in a server's metadata."""

HEADER = "Inference-Header-Content-Length"
"""The header with the number of bytes of a body that are JSON."""

BASE64 = "base64"
"""The `content_type` of bytes in JSON."""


@dataclass(frozen=True)
class Tensor:
    """A named array.

    Attributes:
        name: the name in JSON.
        datatype: the type of the elements.
        shape: the size of each dimension.
        values: a numpy array of that shape, or nested lists.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    values: Any

    @property
    def as_list(self) -> Any:
        """The values as nested lists."""
        return self.values if isinstance(self.values, list) else self.values.tolist()

    @property
    def flat(self) -> list[Any]:
        """The values in one list, in row-major order."""
        if not isinstance(self.values, list):
            return list(self.values.ravel().tolist())
        found = spread(self.values)
        return found[1] if found else []

    def with_flat(self, flat: list[Any]) -> Tensor:
        """A copy with these elements of `BYTES`, in row-major order."""
        np = numpy()
        if np is None:
            return replace(self, values=nested(flat, self.shape))
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return replace(self, values=array.reshape(self.shape))

    def document(self) -> dict[str, Any]:
        """The tensor as a JSON object."""
        data = self.flat
        document: dict[str, Any] = {"name": self.name, "shape": list(self.shape), "datatype": self.datatype.name}
        if any(isinstance(value, bytes) for value in data):
            document["parameters"] = {"content_type": BASE64}
            data = [base64.b64encode(_bytes(value)).decode() for value in data]
        return {**document, "data": data}

    def binary(self) -> tuple[dict[str, Any], bytes]:
        """The tensor as a JSON object without elements, and the elements as bytes."""
        if self.datatype.kind == "s":
            data = b"".join(struct.pack("<I", len(value)) + value for value in map(_bytes, self.flat))
        elif isinstance(self.values, list):
            flat = self.flat
            data = struct.pack(f"<{len(flat)}{self.datatype.code}", *flat)
        else:
            data = self.values.astype(self.datatype.numpy, copy=False).tobytes()
        document = {"name": self.name, "shape": list(self.shape), "datatype": self.datatype.name}
        return {**document, "parameters": {"binary_data_size": len(data)}}, data


def make_tensor(name: str, value: Any) -> Tensor:
    """Converts an array, a list, a number or a text to a tensor.

    Raises:
        TypeError: no datatype can represent the value.
    """
    np = numpy()
    if np is None:
        return _of_lists(name, value)
    try:
        # numpy's arrays of texts are as wide as the longest text, and drop zero bytes at the end of texts.
        array = np.asarray(value, dtype=object if _has_texts(value) else None)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{_type_name(value)} is not an array: {error}") from error
    array = array.reshape(1) if array.ndim == 0 else array
    kind = array.dtype.kind
    if kind in "Mm":
        array, kind = array.astype(str), "U"
    if kind in "US":
        array = array.astype(object)
    elif kind == "O":
        array = _of_objects(np, array)
    elif kind not in "biuf":
        raise TypeError(f"a tensor cannot represent {array.dtype}")
    elif array.dtype.itemsize > 8:
        array = array.astype("f8")
    return Tensor(name, _datatype_of(array.dtype), tuple(array.shape), array)


def _datatype_of(dtype: Any) -> Datatype:
    letter = {"b": "b", "i": "i", "u": "i", "f": "f", "O": "s"}[dtype.kind]
    return next(
        one
        for one in DATATYPES.values()
        if one.kind == letter
        and (letter in "bs" or one.size == dtype.itemsize)
        and (letter != "i" or one.signed == (dtype.kind == "i"))
    )


def _of_objects(np: Any, array: Any) -> Any:
    kinds = {type(value) for value in array.flat}
    if kinds <= {str, bytes}:
        return array
    if all(issubclass(kind, (int, float, np.number)) or kind is type(None) for kind in kinds):
        try:
            return array.astype("f8")
        except (OverflowError, TypeError, ValueError):
            pass
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise TypeError(f"a tensor cannot represent {names}; return arrays, or lists of numbers or of texts")


def _of_lists(name: str, value: Any) -> Tensor:
    values = [value] if not isinstance(value, (list, tuple)) else _as_lists(value)
    shape, flat = spread(values) or (None, [])
    for datatype, kinds in (("BOOL", {bool}), ("INT64", {int}), ("FP64", {int, float}), ("BYTES", {str, bytes})):
        if shape is not None and {type(one) for one in flat} <= kinds:
            least, most = DATATYPES["INT64"].bounds
            if datatype != "INT64" or all(least <= one <= most for one in flat):
                return Tensor(name, DATATYPES[datatype], shape, values)
    raise TypeError(
        f"a tensor cannot represent {_type_name(value)}; return lists of equal length, of numbers or of texts"
    )


def _has_texts(value: Any) -> bool:
    """Whether a value is a text or bytes, or nested lists that contain some."""
    found = spread(_as_lists(value)) if isinstance(value, (list, tuple)) else ((), [value])
    return found is not None and any(issubclass(kind, (str, bytes)) for kind in set(map(type, found[1])))


def nested(flat: list[Any], shape: Sequence[int]) -> Any:
    """Nests a list of values, in row-major order, as the shape."""
    if len(shape) < 2:
        return flat
    size = math.prod(shape[1:])
    return [nested(flat[n * size : (n + 1) * size], shape[1:]) for n in range(shape[0])]


def _as_lists(value: Any) -> Any:
    return [_as_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
