"""Tensors of the Open Inference Protocol: as JSON, and as bytes behind the JSON (the binary tensor extension).

With numpy the values are an array, else nested lists. Elements of `BYTES` are text, or bytes where they came in base64
or in binary; in JSON bytes go as base64, marked by the parameter `content_type`.
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
"""Says how many bytes of a body are JSON."""

BASE64 = "base64"
"""The `content_type` of bytes in JSON."""


@dataclass(frozen=True)
class Tensor:
    """A named array.

    Attributes:
        name: as in JSON.
        datatype: its elements' type.
        shape: its dimensions.
        values: a numpy array of that shape, or nested lists.
    """

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    values: Any

    @property
    def as_list(self) -> Any:
        """Its values as nested lists."""
        return self.values if isinstance(self.values, list) else self.values.tolist()

    @property
    def flat(self) -> list[Any]:
        """Its values one after another, the last dimension first."""
        if not isinstance(self.values, list):
            return list(self.values.ravel().tolist())
        found = spread(self.values)
        return found[1] if found else []

    def with_flat(self, flat: list[Any]) -> Tensor:
        """The same with other elements of `BYTES`."""
        np = numpy()
        if np is None:
            return replace(self, values=nested(flat, self.shape))
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return replace(self, values=array.reshape(self.shape))

    def document(self) -> dict[str, Any]:
        """It as JSON values."""
        data = self.flat
        made: dict[str, Any] = {"name": self.name, "shape": list(self.shape), "datatype": self.datatype.name}
        if any(isinstance(value, bytes) for value in data):
            made["parameters"] = {"content_type": BASE64}
            data = [base64.b64encode(_bytes(value)).decode() for value in data]
        return {**made, "data": data}

    def binary(self) -> tuple[dict[str, Any], bytes]:
        """It as JSON values without its elements, and these as bytes."""
        if self.datatype.kind == "s":
            data = b"".join(struct.pack("<I", len(value)) + value for value in map(_bytes, self.flat))
        elif isinstance(self.values, list):
            flat = self.flat
            data = struct.pack(f"<{len(flat)}{self.datatype.code}", *flat)
        else:
            data = self.values.astype(self.datatype.numpy, copy=False).tobytes()
        made = {"name": self.name, "shape": list(self.shape), "datatype": self.datatype.name}
        return {**made, "parameters": {"binary_data_size": len(data)}}, data


def made_of(name: str, value: Any) -> Tensor:
    """The tensor of a value: an array, a list, or one number or text.

    Raises:
        TypeError: no tensor can hold it.
    """
    np = numpy()
    if np is None:
        return _of_lists(name, value)
    try:
        # Arrays of texts are as wide as the longest, and these end at their first zero byte.
        array = np.asarray(value, dtype=object if _has_texts(value) else None)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{_kind(value)} is no array: {error}") from error
    array = array.reshape(1) if array.ndim == 0 else array
    kind = array.dtype.kind
    if kind in "Mm":
        array, kind = array.astype(str), "U"
    if kind in "US":
        array = array.astype(object)
    elif kind == "O":
        array = _of_objects(np, array)
    elif kind not in "biuf":
        raise TypeError(f"a tensor cannot hold {array.dtype}")
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
    raise TypeError(f"a tensor cannot hold {names}; arrays, lists of numbers or of texts fit")


def _of_lists(name: str, value: Any) -> Tensor:
    values = [value] if not isinstance(value, (list, tuple)) else _as_lists(value)
    shape, flat = spread(values) or (None, [])
    for datatype, kinds in (("BOOL", {bool}), ("INT64", {int}), ("FP64", {int, float}), ("BYTES", {str, bytes})):
        if shape is not None and {type(one) for one in flat} <= kinds:
            least, most = DATATYPES["INT64"].bounds
            if datatype != "INT64" or all(least <= one <= most for one in flat):
                return Tensor(name, DATATYPES[datatype], shape, values)
    raise TypeError(f"a tensor cannot hold {_kind(value)}; lists of numbers or of texts, as long as one another, fit")


def _has_texts(value: Any) -> bool:
    """Whether a value is a text or bytes, or nested lists with some."""
    found = spread(_as_lists(value)) if isinstance(value, (list, tuple)) else ((), [value])
    return found is not None and any(issubclass(kind, (str, bytes)) for kind in set(map(type, found[1])))


def nested(flat: list[Any], shape: Sequence[int]) -> Any:
    if len(shape) < 2:
        return flat
    size = math.prod(shape[1:])
    return [nested(flat[n * size : (n + 1) * size], shape[1:]) for n in range(shape[0])]


def _as_lists(value: Any) -> Any:
    return [_as_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
