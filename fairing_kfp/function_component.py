"""A function → a KFP component."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.interface import Interface, kfp_component
from fairing_kfp.options import check_list, check_places, module_names, source_of, valid_name
from fairing_kfp.signature import bound_arguments, plain_function, resolved_annotations
from fairing_kfp.source import home_of, new_key, register


def function_component(
    function: Any,
    scope: Mapping[str, Any],
    name: str | None,
    modules: Sequence[str | types.ModuleType],
    embedded: Path | None,
    passthroughs: Sequence[Any] | None,
    options: Any,
) -> Any:
    """Makes a KFP component of a function.

    Args:
        function: the function, or a `functools.partial` of one.
        scope: the local names where it was decorated.
        name: the component's; the function's where it is None.
        modules: own modules to ship whole.
        embedded: what `dsl.EmbeddedInput` names.
        passthroughs: as `task_config_passthroughs` of `@dsl.component`.
        options: those of the image.

    Raises:
        ComponentError: it is no function, has no usable name, or a type that KFP does not know.
        SecretError: a value of `env` looks like a credential.
    """
    from fairing_kfp.preprocess.function import FunctionSource

    plain = plain_function(function)
    shown = f"{plain.__module__}.{plain.__qualname__}"
    if plain.__name__ == "<lambda>" and not name:
        raise ComponentError(
            f"a lambda of {plain.__module__} has no name", 'give one: fairing_component(name="…")(lambda …)'
        )
    named = valid_name(name or plain.__name__, shown)
    check_list(named, "modules", modules)
    check_places(named, options.get("files") or {}, "a function")
    annotations = resolved_annotations(function, plain, named, scope)
    key = new_key(home_of(plain), plain.__qualname__)
    source = source_of(FunctionSource(function, annotations, module_names(modules), embedded), named, key, options)
    component = kfp_component(source, _interface(function, plain, annotations, shown), passthroughs)
    register(source)
    return component


def _interface(function: Any, plain: types.FunctionType, annotations: Mapping[str, Any], shown: str) -> Interface:
    signature = inspect.signature(function, eval_str=False)
    return Interface(
        shown,
        tuple(
            parameter.replace(annotation=annotations.get(parameter.name, parameter.annotation))
            for parameter in signature.parameters.values()
            if parameter.name not in bound_arguments(function)
        ),
        function,
        annotations.get("return", inspect.Signature.empty),
        plain.__doc__,
    )
