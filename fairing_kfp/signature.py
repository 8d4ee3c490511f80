"""A function's signature as KFP needs it: callable by name, its annotations resolved."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from functools import partial
from typing import Any

from fairing_kfp.errors import ComponentError


def plain_function(function: Any) -> types.FunctionType:
    """The function inside a `functools.partial`, if KFP's executor can call it.

    Raises:
        ComponentError: it is no function, or cannot be called with every input by name.
    """
    plain = function
    while isinstance(plain, partial):
        if plain.args:
            raise ComponentError(f"{plain!r} binds positional arguments", "bind them by keyword, as KFP passes them")
        plain = plain.func
    if not isinstance(plain, types.FunctionType):
        kind = "class" if isinstance(function, type) else type(function).__name__
        raise ComponentError(
            f"@fairing_component was put on {function!r}, a {kind}, not a function",
            "decorate a function (def …)" + (", or a method wrapped in a function" if callable(function) else ""),
        )
    if inspect.iscoroutinefunction(plain) or inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise ComponentError(
            f"{plain.__qualname__} is a coroutine or generator function, which KFP's executor cannot run",
            "wrap it in a plain function, for example with asyncio.run",
        )
    for parameter in inspect.signature(plain).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ComponentError(
                f"the parameter {parameter} of {plain.__qualname__} cannot be passed by name",
                "KFP passes every input by name: use ordinary parameters",
            )
    return plain


def resolved_annotations(
    function: Any, plain: types.FunctionType, name: str, scope: Mapping[str, Any]
) -> dict[str, Any]:
    """The resolved hints of the parameters that stay inputs; a partial's bound arguments are part of the code.

    Args:
        function: the function, or a partial of one.
        plain: the function itself.
        name: the component's name, for messages.
        scope: the local names where it was decorated.

    Raises:
        ComponentError: a type cannot be resolved.
    """
    free = dict(zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True))
    closed = {}
    for variable, cell in free.items():
        try:
            closed[variable] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    try:
        hints = typing.get_type_hints(plain, localns={**scope, **closed}, include_extras=True)
        hints = {key: _resolved_fields(hint, scope) for key, hint in hints.items()}
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ComponentError(
            f"a type in the signature of {name} ({plain.__module__}.{plain.__qualname__}) cannot be resolved: {error}",
            "import it where the function is defined, at run time too",
        ) from error
    if hints.get("return") is type(None):  # `-> None`, which KFP knows as nothing
        del hints["return"]
    return {key: hint for key, hint in hints.items() if key not in bound_arguments(function)}


def _resolved_fields(hint: Any, scope: Mapping[str, Any]) -> Any:
    """A NamedTuple whose fields are types where they were strings; anything else as it is."""
    fields = getattr(hint, "__annotations__", {}) if hasattr(hint, "_fields") else {}
    if not any(isinstance(kind, (str, typing.ForwardRef)) for kind in fields.values()):
        return hint
    resolved = typing.get_type_hints(hint, localns=dict(scope), include_extras=True)
    made: Any = typing.NamedTuple(hint.__name__, [(name, resolved[name]) for name in hint._fields])  # type: ignore[misc]
    made.__module__ = hint.__module__
    return made


def bound_arguments(function: Any) -> set[str]:
    """The names that a `functools.partial` binds."""
    bound: set[str] = set()
    while isinstance(function, partial):
        bound |= set(function.keywords)
        function = function.func
    return bound
