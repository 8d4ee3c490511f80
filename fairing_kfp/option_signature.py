"""Signatures and docstrings that list the options of a call, so that `help` shows them and notebooks complete them.

For type checkers a call declares its options as `**options: Unpack[SomeTypedDict]`, which Python itself does not spell
out.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_SECTION = "Attributes:\n"


class _Default:
    """A default that a description names."""

    def __repr__(self) -> str:
        return "..."


_DEFAULT = _Default()


def lists_options(options: type, described_by: type | None = None) -> Callable[[F], F]:
    """Decorates a function that takes the options of a `TypedDict` by keyword.

    Args:
        options: the `TypedDict`.
        described_by: a class whose attributes describe options that the `TypedDict` does not describe itself.

    Returns:
        A decorator, which returns the function itself.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        (keywords,) = (one for one in signature.parameters.values() if one.kind is one.VAR_KEYWORD)
        named = [one for one in signature.parameters.values() if one is not keywords]
        function.__signature__ = signature.replace(parameters=[*named, *_parameters(options)])  # type: ignore[attr-defined]
        if function.__doc__:
            described = {**(_described(described_by) if described_by else {}), **_described(options)}
            texts = [described[name] for name in _types(options) if name in described]
            function.__doc__ = _with_options(inspect.cleandoc(function.__doc__), keywords.name, texts)
        return function

    return decorate


def _types(options: type) -> Mapping[str, Any]:
    """The types of the options by name, those of a base class first."""
    return options.__annotations__


def _parameters(options: type) -> list[inspect.Parameter]:
    """The options as parameters."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_DEFAULT,
            annotation=kind.__forward_arg__ if isinstance(kind, ForwardRef) else kind,
        )
        for name, kind in _types(options).items()
    ]


def _described(described: type) -> dict[str, str]:
    """The entries of the section `Attributes` of a docstring, by name."""
    _, _, section = inspect.cleandoc(described.__doc__ or "").partition(_SECTION)
    entries = re.split(r"\n(?=\w)", textwrap.dedent(section).rstrip())
    return {entry.partition(":")[0]: entry for entry in entries}


def _with_options(doc: str, keywords: str, texts: list[str]) -> str:
    """A docstring in which the entry of the keyword arguments is followed by one for each option."""
    lines = doc.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(f"    {keywords}: ")), len(lines) - 1)
    end = start + 1
    while end < len(lines) and lines[end].startswith("        "):
        end += 1
    return "\n".join([*lines[:end], *textwrap.indent("\n".join(texts), "    ").splitlines(), *lines[end:]])
