"""Annotations that KFP reads itself, recognized without importing all other types."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp.runtime.value_types import ValueType

_PLAIN = (str, int, float, bool, list, dict)
_UNIONS = (typing.Union, types.UnionType)
_ABSENT = type(None)


def is_read_by_kfp(annotation: Any) -> bool:
    """Whether an annotation is known to be one that KFP reads itself; other annotations may be, too."""
    return any(annotation is kind for kind in _PLAIN) or is_of_kfp(annotation)


def is_of_kfp(annotation: Any) -> bool:
    """Whether an annotation is one of KFP's own: an artifact, an input or output, the status of a task."""
    plain = getattr(annotation, "__origin__", annotation)
    parts = (plain, *getattr(annotation, "__metadata__", ()))
    is_artifact = isinstance(plain, type) and hasattr(plain, "schema_title")
    return is_artifact or any(str(getattr(one, "__module__", "")).startswith("kfp.") for one in parts)


def kfp_annotation(annotation: Any, found: ValueType | None) -> Any:
    """The annotation that KFP reads.

    Args:
        annotation: the resolved annotation.
        found: its type; None for one that KFP reads itself.
    """
    if found is None:
        return annotation
    from fairing_kfp.runtime.value_types import Nullable

    return typing.Optional[found.kind] if isinstance(found, Nullable) else found.kind  # noqa: UP045 - KFP reads it


def without_items(annotation: Any) -> Any:
    """`list` for `list[int]`, `dict` for `dict[str, int]`, also in unions with None and fields of named tuples.

    KFP makes the same of both, but releases before 2.15 read the first only.
    """
    parts, origin = typing.get_args(annotation), typing.get_origin(annotation)
    if origin in _UNIONS and len(parts) == 2 and _ABSENT in parts:
        (part,) = (one for one in parts if one is not _ABSENT)
        return typing.Optional[without_items(part)]  # noqa: UP045 - KFP reads it
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        fields = [(key, without_items(kind)) for key, kind in annotation.__annotations__.items()]
        return typing.NamedTuple(annotation.__name__, fields)
    return origin if origin in (list, dict) and not any(map(is_of_kfp, parts)) else annotation
