"""The datatypes of the Open Inference Protocol, and numpy if the user's packages include it."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Datatype:
    """The type of a tensor's elements.

    Attributes:
        name: the name in JSON.
        kind: `b` for booleans, `i` for integers, `f` for floating-point numbers, `s` for text and bytes.
        code: the format character of `struct`, for little-endian data.
        size: bytes of an element; 0 for `BYTES`, whose elements vary in length.
        signed: whether an integer may be negative.
    """

    name: str
    kind: str
    code: str
    size: int
    signed: bool = False

    @property
    def numpy(self) -> str:
        """The name of the numpy dtype."""
        letter = {"b": "?", "i": "i" if self.signed else "u", "f": "f", "s": "O"}[self.kind]
        return f"<{letter}{self.size}" if self.kind in "if" else letter

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest integer."""
        bits = 8 * self.size
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)


DATATYPES = {
    one.name: one
    for one in (
        Datatype("BOOL", "b", "?", 1),
        Datatype("UINT8", "i", "B", 1),
        Datatype("UINT16", "i", "H", 2),
        Datatype("UINT32", "i", "I", 4),
        Datatype("UINT64", "i", "Q", 8),
        Datatype("INT8", "i", "b", 1, signed=True),
        Datatype("INT16", "i", "h", 2, signed=True),
        Datatype("INT32", "i", "i", 4, signed=True),
        Datatype("INT64", "i", "q", 8, signed=True),
        Datatype("FP16", "f", "e", 2),
        Datatype("FP32", "f", "f", 4),
        Datatype("FP64", "f", "d", 8),
        Datatype("BYTES", "s", "", 0),
    )
}


@functools.cache
def numpy() -> Any:
    """The user's numpy; None if it is not installed."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None
