"""The V1 protocol (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import answers, inputs, json_arrays
from .body import parse
from .bounds import Bounds

KEYS = {"predict": "predictions", "explain": "explanations"}
"""The key of each method's result."""


def read(kind: str, text: bytes, bounds: Bounds) -> Any:
    """Converts the body of a request to the argument of a method.

    Raises:
        HTTPError: the request is malformed (400), or describes too much data (413).
    """
    array = json_arrays.instances(text) if kind == inputs.ARRAY else None
    return inputs.of_v1(kind, parse(text), bounds) if array is None else array


def write(kind: str, method: str, result: Any) -> bytes:
    """The body of a response: the result under its key.

    A dictionary that has this key already, or that a method with a dictionary as input returns, is the body itself.

    Raises:
        TypeError: JSON cannot represent the result.
    """
    is_body = isinstance(result, Mapping) and (KEYS[method] in result or kind == inputs.DICT)
    return answers.dumps(result if is_body else {KEYS[method]: result})
