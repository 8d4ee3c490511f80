"""What a method gave back, as JSON."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from .refusal import Refusal


def dumps(value: Any) -> bytes:
    """JSON of a value; arrays become lists, frames lists of records, bytes base64, and what is no number null.

    Raises:
        TypeError: JSON cannot hold it.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):  # not a number, names that are no text, something unknown
        pass
    try:
        return json.dumps(_cleaned(value), allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise TypeError(f"JSON cannot hold it: {error}") from None


def problem(refusal: Refusal) -> bytes:
    """The body of an answer that is none."""
    return dumps({"error": refusal.message})


def _cleaned(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {_name(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return _cleaned(_plain(value))


def _name(key: Any) -> str | int | float | bool | None:
    key = key.item() if hasattr(key, "item") else key
    return key if isinstance(key, (str, int, float, bool)) or key is None else str(key)


def _plain(value: Any) -> Any:
    """A value that JSON does not know, in a form that it may know."""
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
    raise TypeError(f"JSON cannot hold {kind.__module__}.{kind.__qualname__}".replace("builtins.", ""))
