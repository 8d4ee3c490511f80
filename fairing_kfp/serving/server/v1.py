"""The V1 protocol (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import answers, inputs
from .bounds import Bounds

KEYS = {"predict": "predictions", "explain": "explanations"}
"""What the result of a method is called."""


def read(kind: str, body: Any, bounds: Bounds) -> Any:
    """The argument of a method, of a request's JSON.

    Raises:
        Refusal: it is malformed (400), or stands for too much (413).
    """
    return inputs.of_v1(kind, body, bounds)


def write(kind: str, verb: str, result: Any) -> bytes:
    """The body of an answer: the result by its name; one that has this name already, or is a dictionary made of a
    dictionary, stays as it is.

    Raises:
        TypeError: JSON cannot hold it.
    """
    whole = isinstance(result, Mapping) and (KEYS[verb] in result or kind == inputs.DICT)
    return answers.dumps(result if whole else {KEYS[verb]: result})
