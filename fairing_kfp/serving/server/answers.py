"""What a method gave back, as JSON."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from . import json_text
from .refusal import Refusal

_NUMBERS = ("b", "i", "u", "f")
"""Kinds of numpy's types that JSON has numbers for, or true and false."""


def dumps(value: Any) -> bytes:
    """JSON of a value; arrays become lists, frames lists of records, bytes base64, and what is no number null.

    Raises:
        TypeError: JSON cannot hold it.
    """
    written = _of_arrays(value)
    if written is not None:
        return written
    try:
        return json.dumps(value, allow_nan=False, default=_plain, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):  # not a number, names that are no text, something unknown
        pass
    try:
        return json.dumps(_cleaned(value), allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise TypeError(f"JSON cannot hold it: {error}") from None


def _of_arrays(value: Any) -> bytes | None:
    """The JSON of a dictionary of arrays of numbers; None for anything else."""
    if type(value) is not dict or not value:
        return None
    parts = []
    for name, array in value.items():
        if type(name) is not str or getattr(getattr(array, "dtype", None), "kind", None) not in _NUMBERS:
            return None
        try:
            numbers = json_text.dumps_numbers(array.tolist())
        except TypeError:  # what Python has no number for
            return None
        if numbers is None:
            return None
        parts.append(json.dumps(name).encode() + b":" + numbers)
    return b"{%b}" % b",".join(parts)


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
