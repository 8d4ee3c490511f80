"""Values of the author's side, as KFP passes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fairing_kfp.runtime.results import scalar

if TYPE_CHECKING:
    from fairing_kfp.runtime.value_types import ValueType

_PLAIN = (str, int, float)


def encoded(kind: ValueType, value: Any, where: str) -> Any:
    """A value of a type as JSON. Outputs of other tasks, and placeholders of KFP, are unchanged.

    Args:
        kind: the type.
        value: an instance, or JSON.
        where: the parameter, for messages.

    Raises:
        PassingError: the value is not of the type.
    """
    from fairing_kfp.runtime.value_types import Place  # loaded with the types that KFP does not know

    at = Place(where, is_open)
    made = kind.encode(value, at)
    if not _has_open(made):
        kind.decode(made, at)
    return made


def plain(value: Any) -> Any:
    """A value of a type that KFP reads itself: scalars of numpy and subclasses of `str` become plain, tuples lists."""
    if is_open(value):
        return value
    value = scalar(value)
    if type(value) is dict:
        return {key: plain(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return [plain(one) for one in value]
    for kind in _PLAIN:
        if isinstance(value, kind) and type(value) not in (kind, bool):
            return getattr(kind, f"__{kind.__name__}__")(value)
    return value


def is_open(value: Any) -> bool:
    """Whether a value is known only when the pipeline runs: the output of a task, or a placeholder."""
    if isinstance(value, str):
        return "{{$" in value or "{{channel:" in value
    return any(str(kind.__module__).startswith("kfp.") for kind in type(value).__mro__)


def described(kind: ValueType) -> str:
    """A sentence about the values of a type, for descriptions of parameters."""
    return f"{kind.expected[:1].upper()}{kind.expected[1:]}."


def has_none(value: Any) -> bool:
    """Whether a value of JSON is None or contains it."""
    return value is None or any(map(has_none, _items(value)))


def _has_open(value: Any) -> bool:
    return is_open(value) or any(map(_has_open, _items(value)))


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
