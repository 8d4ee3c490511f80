"""Arrays straight from JSON, if the image has simdjson: no Python object for each number, a fifth of the time."""

from __future__ import annotations

import math
from typing import Any

from .datatypes import numpy

try:
    import simdjson
except ImportError:  # no wheel for this Python or platform
    simdjson = None  # type: ignore[assignment]

_MAX_DIMENSIONS = 32
_OTHERS = bytes(set(range(256)) - set(b"[],"))


def instances(text: bytes) -> Any:
    """The array of a V1 request.

    Args:
        text: the body of the request.

    Returns:
        The array; None without simdjson or numpy, and for any text but an object whose only key is `instances`, with
        numbers in lists of equal length.
    """
    np = numpy()
    if simdjson is None or np is None:
        return None
    has_floats = b"." in text or text.find(b"e", text.find(b"[")) >= 0  # such as 1e-05; the key has an e, too
    kind, dtype = ("d", "f8") if has_floats else ("i", "i8")
    try:
        document: Any = simdjson.Parser().parse(text)
        if len(document) != 1:  # other keys, or the key twice
            return None
        flat = np.frombuffer(document["instances"].as_buffer(of_type=kind), dtype)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):  # other values, or no JSON
        return None
    shape = _shape(text.translate(None, _OTHERS))
    # An empty list has no comma, as a list of one number.
    return flat.reshape(shape) if shape and math.prod(shape) == flat.size else None


def _shape(lists: bytes) -> tuple[int, ...] | None:
    """The shape of nested lists of which only brackets and commas are left; None if lengths differ."""
    dimensions = len(lists) - len(lists.lstrip(b"["))
    if dimensions > _MAX_DIMENSIONS:
        return None
    sizes, pattern = [], b""
    for depth in range(1, dimensions + 1):  # from the innermost lists, the first of which shows the size
        length = lists.find(b"]" * depth) + 2 * depth - dimensions - 2
        sizes.append((length + 1) // (len(pattern) + 1))
        pattern = b"[%b]" % b",".join([pattern] * sizes[-1])
    return tuple(reversed(sizes)) if pattern == lists else None
