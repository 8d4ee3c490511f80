"""A name for a constant that depends on its value alone, not on which object holds it.

Equal constants may or may not be one object, depending on whether code was compiled just now or read from a `.pyc`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

CONSTANTS = (str, bytes, tuple, frozenset, complex)
"""The types of constants that `pickle` writes once and then refers to, so that their identity shows in its bytes."""

_ATOMS = (str, bytes, int, bool, type(None), type(Ellipsis))


def constant_key(value: Any) -> Hashable | None:
    """A hashable key that is equal exactly for constants of equal type and value; None for what is no constant."""
    kind = type(value)
    if kind in _ATOMS:
        return kind, value
    if kind in (float, complex):
        return kind, repr(value)  # 0.0 and -0.0 are equal but not the same
    if kind in (tuple, frozenset):
        keys = [constant_key(item) for item in value]
        if any(key is None for key in keys):
            return None
        return kind, tuple(keys) if kind is tuple else frozenset(keys)
    return None
