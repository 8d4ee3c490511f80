"""Aliases of types: those of `type` statements (Python 3.12), numpy (2.5) and typing_extensions."""

from __future__ import annotations

import types
import typing
from typing import Any


def without_aliases(hint: Any, *, within: tuple[Any, ...] = ()) -> Any:
    """An annotation with what its aliases stand for, also within unions, lists and dictionaries.

    Args:
        hint: the annotation.
        within: aliases that it is part of; one within itself is `Any`.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    alias = hint if _is_alias(hint) else origin
    if _is_alias(alias):
        if alias in within:
            return Any
        return without_aliases(_substituted(alias, arguments), within=(*within, alias))
    if origin not in (list, dict, tuple, typing.Union, types.UnionType):
        return hint
    found = tuple(without_aliases(one, within=within) for one in arguments)
    if all(one is before for one, before in zip(found, arguments, strict=True)):
        return hint
    if origin in (typing.Union, types.UnionType):
        return typing.Union[found]  # noqa: UP007 - a type of run time
    return origin[found]


def _is_alias(hint: Any) -> bool:
    return type(hint).__name__ == "TypeAliasType"


def _substituted(alias: Any, arguments: tuple[Any, ...]) -> Any:
    """The value of an alias, with arguments for its type parameters."""
    value = alias.__value__
    if not arguments:
        return value
    try:
        by_name = dict(zip(alias.__type_params__, arguments, strict=True))
        return value[tuple(by_name[parameter] for parameter in value.__parameters__)]
    except (AttributeError, KeyError, TypeError, ValueError):  # it has no such parameters
        return value
