"""Checks of options against the types that they are annotated with, before anything is sent."""

from __future__ import annotations

import collections.abc
import functools
import os
import types
import typing
from collections.abc import Collection, Mapping
from typing import Any

from fairing_kfp.errors import ComponentError, ConfigError, FairingError

_WORDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    dict: "a dictionary",
    os.PathLike: "a path",
    types.ModuleType: "a module",
    type(None): "None",
}
_LISTS = (collections.abc.Sequence, list, tuple)
_LONGEST = 80


def check_options(
    owner: str, values: Mapping[str, Any], kinds: Mapping[str, Any], error: type[FairingError] = ConfigError
) -> None:
    """Checks the types of options.

    Args:
        owner: what they belong to, which begins the message.
        values: the options that were given.
        kinds: their types, such as `typing.get_type_hints` returns them; those of a class or protocol are not checked.
        error: the class of the error.

    Raises:
        FairingError: a value has another type.
    """
    for name, value in values.items():
        kind = kinds.get(name, Any)
        if not fits(value, kind):
            raise error(f"{owner}: {name}={_shown(value, kind)} is not {words_of(kind)}", remedy_of(name, value, kind))


def check_given(owner: str, given: Mapping[str, Any], options: type, error: type[FairingError] = ConfigError) -> None:
    """Checks the names and types of the options that a `TypedDict` declares.

    Args:
        owner: what they belong to, which begins the message.
        given: the options that were given.
        options: the `TypedDict`.
        error: the class of the error for a type.

    Raises:
        ComponentError: an option is unknown.
        FairingError: a value has another type.
    """
    kinds = _kinds(options)
    for name in given:
        if name not in kinds:
            raise ComponentError(f"{owner}: unknown option {name!r}", similar(name, kinds))
    check_options(owner, given, kinds, error)


@functools.cache
def _kinds(options: type) -> Mapping[str, Any]:
    return typing.get_type_hints(options)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value has a type. Types that cannot be checked fit all values."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin in _LISTS:
        items = [one for one in inner if one is not ...] or [Any]
        return isinstance(value, (list, tuple)) and all(fits(item, items[0]) for item in value)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping) and all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
    if origin is os.PathLike or kind is os.PathLike:
        return isinstance(value, os.PathLike)
    if origin is collections.abc.Callable or kind is collections.abc.Callable:
        return callable(value)
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    if kind is None:
        return value is None
    if kind in _WORDS:
        return isinstance(value, kind)
    return True


def words_of(kind: Any) -> str:
    """A type in words, such as `a list of strings`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(words_of(one) for one in inner if one is not type(None)))
    if origin is typing.Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in _LISTS:
        return f"a list of {_plural(inner[0])}" if inner else "a list"
    if origin in (Mapping, dict):
        return f"a dictionary of {_plural(inner[1])} by name" if inner[1] is not Any else "a dictionary"
    if origin is os.PathLike:
        return "a path"
    if origin is collections.abc.Callable or kind is collections.abc.Callable:
        return "a function"
    return _WORDS.get(kind) or str(getattr(kind, "__name__", kind))


def remedy_of(name: str, value: Any, kind: Any) -> str:
    """What to write instead of a value that does not have a type."""
    choices = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    if isinstance(value, str) and any(typing.get_origin(one) in _LISTS for one in choices):
        return f'give a list: {name}=["{value}"]'
    if type(value) in (int, float) and str in choices:
        return f'write it as text: {name}="{value}"'
    if isinstance(value, str) and int in choices and value.strip().isdigit():
        return f"write it without quotes: {name}={value.strip()}"
    if isinstance(value, Mapping) and any(typing.get_args(one)[1:] == (str,) for one in choices):
        return f'write its names and values as strings: {name}={{"NAME": "VALUE"}}'
    return f"use {words_of(kind)}"


def similar(name: str, known: Collection[str]) -> str:
    """The remedy for an unknown option: the one that was probably meant, or all."""
    import difflib  # which takes a millisecond, and only errors need it

    found = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {found[0]}?" if found else f"use one of {', '.join(sorted(known))}"


def _plural(kind: Any) -> str:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(map(_plural, typing.get_args(kind)))
    if typing.get_origin(kind) is collections.abc.Callable:
        return "functions"
    return f"{words_of(kind).removeprefix('a ')}s"


def _shown(value: Any, kind: Any) -> str:
    """A value for a message; of a dictionary only the wrong key, since its values may be confidential."""
    if not isinstance(value, Mapping):
        return _short(value)
    wrong = [key for key, one in value.items() if not fits({key: one}, kind)]
    return f"{{{wrong[0]!r}: …}}" if wrong else "{…}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
