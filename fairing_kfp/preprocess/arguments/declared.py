"""Values of `arguments=` of a script or notebook, which declare types that KFP does not know."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.annotations import has_values, value_type
from fairing_kfp.preprocess.kfp_types import kfp_annotation
from fairing_kfp.preprocess.values import encoded, plain
from fairing_kfp.runtime.results import PassingError
from fairing_kfp.runtime.value_types import ValueType

_KINDS = (str, int, float, bool, list, dict, type(None))


def plain_arguments(declared: Mapping[str, Any], filename: str) -> tuple[dict[str, Any], dict[str, ValueType]]:
    """Types, defaults and annotations as KFP reads them.

    Args:
        declared: by name, a type, a default or a KFP annotation.
        filename: the script or notebook, for messages.

    Returns:
        By name, KFP's type, a default in JSON, or a KFP annotation; and the types that KFP does not know.

    Raises:
        ComponentError: a part of a type cannot be passed.
    """
    read: dict[str, Any] = {}
    found: dict[str, ValueType] = {}
    for key, value in declared.items():
        where = f"{filename}: the input {key}"
        is_default = _is_default(value)
        if is_default and isinstance(value, _KINDS) and not isinstance(value, enum.Enum):
            read[key] = plain(value)
            continue
        kind = value_type(type(value) if is_default else value, {}, where)
        if kind is None:
            read[key] = value
            continue
        found[key] = kind
        try:
            read[key] = encoded(kind, value, where) if is_default else kfp_annotation(value, kind)
        except PassingError as error:
            raise ComponentError(str(error), f"give {kind.expected}") from None
    return read, found


def _is_default(value: Any) -> bool:
    if isinstance(value, (type, types.UnionType)):
        return False
    return isinstance(value, _KINDS) or has_values(type(value))
