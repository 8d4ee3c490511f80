"""JSON encoding of the results of a predictor's methods."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from . import json_text
from .http_error import HTTPError

_NUMBERS = ("b", "i", "u", "f")
"""Kinds of numpy dtypes that JSON represents as numbers or booleans."""


def dumps(value: Any) -> bytes:
    """Encodes a value as JSON.

    Arrays become lists, data frames lists of records, bytes `{"b64": …}` in base64, and NaN and infinity null.

    Returns:
        The JSON in UTF-8.

    Raises:
        TypeError: JSON cannot represent the value.
    """
    encoded = _dumps_arrays(value)
    if encoded is not None:
        return encoded
    try:
        return json.dumps(value, allow_nan=False, default=_to_json_type, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):  # NaN, keys that are not text, or an unknown type
        pass
    try:
        return json.dumps(_to_json_value(value), allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise TypeError(f"JSON cannot represent the value: {error}") from None


def _dumps_arrays(value: Any) -> bytes | None:
    """The JSON of a dictionary of numeric arrays; None for any other value."""
    if type(value) is not dict or not value:
        return None
    parts = []
    for name, array in value.items():
        if type(name) is not str or getattr(getattr(array, "dtype", None), "kind", None) not in _NUMBERS:
            return None
        try:
            numbers = json_text.dumps_numbers(array.tolist())
        except TypeError:  # a dtype without a Python number, such as longdouble
            return None
        if numbers is None:
            return None
        parts.append(json.dumps(name).encode() + b":" + numbers)
    return b"{%b}" % b",".join(parts)


def error_body(error: HTTPError) -> bytes:
    """The JSON body of an error response."""
    return dumps({"error": error.message})


def _to_json_value(value: Any) -> Any:
    """A value that consists of JSON types alone, without NaN and infinity."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {_to_json_key(key): _to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json_value(item) for item in value]
    return _to_json_value(_to_json_type(value))


def _to_json_key(key: Any) -> str | int | float | bool | None:
    key = key.item() if hasattr(key, "item") else key
    return key if isinstance(key, (str, int, float, bool)) or key is None else str(key)


def _to_json_type(value: Any) -> Any:
    """Converts a value of a type that JSON does not have; the items of the result may still need converting."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"b64": base64.b64encode(value).decode()}
    if hasattr(value, "tolist"):  # arrays, their elements, series, tensors
        return value.tolist()
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict("records")
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):  # pydantic
        return value.model_dump()
    kind = type(value)
    raise TypeError(f"JSON cannot represent {kind.__module__}.{kind.__qualname__}".replace("builtins.", ""))
