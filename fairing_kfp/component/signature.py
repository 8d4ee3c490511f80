"""Signatures of functions, as KFP needs them: callable by keyword, with resolved annotations."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from functools import partial
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.aliases import without_aliases
from fairing_kfp.preprocess.kfp_types import is_of_kfp


def plain_function(function: Any) -> types.FunctionType:
    """The function inside a `functools.partial`, checked to be one that KFP's executor can call.

    Raises:
        ComponentError: the object is not a function, or a parameter cannot be passed by keyword.
    """
    plain = function
    while isinstance(plain, partial):
        if plain.args:
            raise ComponentError(f"{plain!r} binds positional arguments", "bind keyword arguments")
        plain = plain.func
    if not isinstance(plain, types.FunctionType):
        kind = "class" if isinstance(function, type) else type(function).__name__
        raise ComponentError(
            f"@fairing_component cannot decorate {function!r}: it is a {kind}, not a function",
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
                f"the parameter {parameter} of {plain.__qualname__} cannot be passed by keyword",
                "use ordinary parameters, since KFP passes every input by keyword",
            )
    return plain


def resolved_annotations(
    function: Any, plain: types.FunctionType, name: str, scope: Mapping[str, Any]
) -> dict[str, Any]:
    """The resolved annotations of the inputs, without parameters that a partial binds.

    Args:
        function: the function, or a partial of one.
        plain: the function itself.
        name: the component's name, for messages.
        scope: the local variables where it is decorated.

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
        hints = {key: _of_kfp(_resolved_fields(without_aliases(hint), scope)) for key, hint in hints.items()}
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ComponentError(
            f"cannot resolve a type in the signature of {name} ({plain.__module__}.{plain.__qualname__}): {error}",
            "import it in the function's module, also at run time",
        ) from error
    if hints.get("return") is type(None):  # `-> None`: no output
        del hints["return"]
    return {key: hint for key, hint in hints.items() if key not in bound_arguments(function)}


def _of_kfp(hint: Any) -> Any:
    """An annotation as KFP reads it: `X | None` as `Optional[X]`, and a `NewType` or alias as the type behind it."""
    hint = without_aliases(hint)
    if isinstance(hint, typing.NewType):
        return _of_kfp(hint.__supertype__)
    if hasattr(hint, "__metadata__") and not is_of_kfp(hint):  # Annotated
        return _of_kfp(hint.__origin__)
    if typing.get_origin(hint) in (types.UnionType, typing.Union) and type(None) in typing.get_args(hint):
        others = [one for one in typing.get_args(hint) if one is not type(None)]
        if len(others) == 1:  # else KFP names the union in its error
            return typing.Optional[_of_kfp(others[0])]  # noqa: UP045 - a type of run time
    return hint


def _resolved_fields(hint: Any, scope: Mapping[str, Any]) -> Any:
    """A NamedTuple with resolved field types; any other annotation unchanged."""
    fields = getattr(hint, "__annotations__", {}) if hasattr(hint, "_fields") else {}
    if all(
        without_aliases(kind) is kind and not isinstance(kind, (str, typing.ForwardRef)) for kind in fields.values()
    ):
        return hint
    resolved = typing.get_type_hints(hint, localns=dict(scope), include_extras=True)
    kinds = [(name, without_aliases(resolved[name])) for name in hint._fields]
    made: Any = typing.NamedTuple(hint.__name__, kinds)  # type: ignore[misc]
    made.__module__ = hint.__module__
    return made


def bound_arguments(function: Any) -> set[str]:
    """The names that a `functools.partial` binds."""
    bound: set[str] = set()
    while isinstance(function, partial):
        bound |= set(function.keywords)
        function = function.func
    return bound
