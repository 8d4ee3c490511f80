"""Checks of predictions: their shape, and the answers that are expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 5
"""Number of differences that an error lists."""


@dataclass(frozen=True)
class Check:
    """What predictions must be like.

    Attributes:
        expected: the expected predictions; None for any.
        tolerance: largest absolute difference of a number from the expected one.
        shape: length of each dimension, -1 for any length; empty for any shape.
    """

    expected: Any = None
    tolerance: float = 0.0
    shape: tuple[int, ...] = ()

    def problem(self, predictions: Any) -> str:
        """Why predictions are wrong; empty if they are right."""
        if self.shape:
            found = shape_of(predictions)
            if len(found) != len(self.shape) or any(
                wanted not in (-1, length) for wanted, length in zip(self.shape, found, strict=True)
            ):
                return f"the predictions have the shape {list(found)} instead of {list(self.shape)}"
        if self.expected is None:
            return ""
        wrong = list(self._differences(self.expected, predictions, ""))
        if not wrong:
            return ""
        rest = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return f"the predictions differ from the expected ones: {'; '.join(wrong[:_SHOWN])}{rest}"

    def largest_difference(self, predictions: Any) -> float | None:
        """The largest absolute difference of a number from the expected one; None if there is no pair of numbers."""
        pairs = _pairs(self.expected, predictions)
        return max((abs(wanted - found) for wanted, found in pairs), default=None)

    def _differences(self, wanted: Any, found: Any, place: str) -> Iterator[str]:
        where = place or "the answer"
        if _is_list(wanted) and _is_list(found):
            if len(wanted) != len(found):
                yield f"{where} has {len(found)} entries instead of {len(wanted)}"
                return
            for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
                yield from self._differences(one, other, f"{place}[{index}]")
        elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
            for key in sorted({*wanted, *found}, key=str):
                if key not in wanted or key not in found:
                    yield f"{where} {'lacks' if key in wanted else 'has the unexpected key'} {key}"
                else:
                    yield from self._differences(wanted[key], found[key], f"{place}[{key!r}]")
        elif _is_number(wanted) and _is_number(found):
            if not _is_close(wanted, found, self.tolerance):
                yield f"{where} is {found!r} instead of {wanted!r}"
        elif type(wanted) is not type(found) or wanted != found:
            yield f"{where} is {found!r} instead of {wanted!r}"


def shape_of(predictions: Any) -> tuple[int, ...]:
    """The shape of nested lists, as far as all entries of a dimension agree."""
    if not _is_list(predictions):
        return ()
    shapes = {shape_of(one) for one in predictions}
    inner = shapes.pop() if len(shapes) == 1 else ()
    return (len(predictions), *inner)


def _is_close(wanted: float, found: float, tolerance: float) -> bool:
    return wanted == found or (math.isfinite(found) and abs(wanted - found) <= tolerance)


def _pairs(wanted: Any, found: Any) -> Iterator[tuple[float, float]]:
    if _is_list(wanted) and _is_list(found):
        for one, other in zip(wanted, found, strict=False):
            yield from _pairs(one, other)
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in wanted.keys() & found.keys():
            yield from _pairs(wanted[key], found[key])
    elif _is_number(wanted) and _is_number(found) and math.isfinite(found):
        yield wanted, found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
