"""Defaults of parameters that kfp cannot write, which it reports without naming the parameter."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable
from typing import Any

from fairing_kfp.preprocess.task_call import parts, unsupported

_KINDS: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int, float),
    float: (int, float),
    bool: (bool, int),
    list: (list, tuple),
    dict: (dict,),
}
"""The types of defaults that kfp writes, by the annotation."""


def wrong_default(parameters: Iterable[inspect.Parameter]) -> tuple[str, str] | None:
    """The first default that kfp cannot write: what is wrong with it, and what to write; None if there is none."""
    for parameter in parameters:
        if parameter.default is inspect.Parameter.empty or parameter.default is None:
            continue
        found = _problem(parameter.name, parameter.default, _plain(parameter.annotation))
        if found:
            return found
    return None


def _problem(name: str, default: Any, kind: Any) -> tuple[str, str] | None:
    if kind in _KINDS and not isinstance(default, _KINDS[kind]):
        return (
            f"the default of {name} is {default!r}, and its type is {kind.__name__}",
            "correct the default, or the type",
        )
    for path, inner in parts(default) if kind in _KINDS else ():
        why = unsupported(inner)
        if why:
            return f"the default of {name}{path}: {inner!r}, {why[0]}", why[1]
    return None


def _plain(annotation: Any) -> Any:
    """`list` for `list[int]`, and `int` for `int | None`; other annotations as they are."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        others = [one for one in inner if one is not type(None)]
        return _plain(others[0]) if len(others) == 1 else annotation
    return origin or annotation
