"""JSON read and written by msgspec where the image has it, which takes a third of the time; otherwise by Python."""

from __future__ import annotations

import json
from typing import Any

try:
    import msgspec
except ImportError:  # no wheel for this Python or platform
    msgspec = None  # type: ignore[assignment]

_DECODER = msgspec and msgspec.json.Decoder()
_ENCODER = msgspec and msgspec.json.Encoder()


def loads(text: bytes) -> Any:
    """The value of a text, as `json.loads` reads it: msgspec refuses NaN, surrogates and encodings other than UTF-8.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deep.
    """
    if _DECODER:
        try:
            return _DECODER.decode(text)
        except msgspec.MsgspecError:
            pass
    return json.loads(text)


def dumps_numbers(value: Any) -> bytes | None:
    """The text of numbers in lists; numbers that are not finite are null. None if there is no msgspec."""
    return _ENCODER.encode(value) if _ENCODER else None
