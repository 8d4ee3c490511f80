"""A function → a KFP component."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.component.interface import Component, Interface, make_component
from fairing_kfp.component.options import ImageOptions, check_absolute, check_list, module_names, valid_name
from fairing_kfp.component.signature import bound_arguments, plain_function, resolved_annotations
from fairing_kfp.component.typed import input_types, kfp_returns, output_types
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.kfp_types import kfp_annotation
from fairing_kfp.preprocess.source import home_of, new_key

if TYPE_CHECKING:
    from fairing_kfp.runtime.value_types import ValueType


def function_component(
    function: Any,
    scope: Mapping[str, Any],
    name: str | None,
    modules: Sequence[str | types.ModuleType],
    embedded: Path | None,
    passthroughs: Sequence[Any] | None,
    options: ImageOptions,
) -> Component[..., Any]:
    """Makes a KFP component from a function.

    Args:
        function: the function, or a `functools.partial` of one.
        scope: the local variables where it is decorated.
        name: the component's name; None for the function's.
        modules: own modules to pack in full.
        embedded: the file or folder of a `dsl.EmbeddedInput`.
        passthroughs: `task_config_passthroughs` of `@dsl.component`.
        options: the options of its image.

    Raises:
        ComponentError: the object is not a function, its name cannot be used, or KFP does not support a type.
    """
    from fairing_kfp.preprocess.function import FunctionSource

    plain = plain_function(function)
    origin = f"{plain.__module__}.{plain.__qualname__}"
    if plain.__name__ == "<lambda>" and not name:
        raise ComponentError(
            f"a lambda of {plain.__module__} has no name", 'give it one: fairing_component(name="…")(lambda …)'
        )
    name = valid_name(name or plain.__name__, origin)
    check_list(name, "modules", modules)
    check_absolute(name, options.get("files") or {}, "a function")
    annotations = resolved_annotations(function, plain, name, scope)
    inputs, returned = input_types(name, annotations, scope), output_types(name, annotations, scope)
    annotations = {
        key: kfp_returns(annotation, returned) if key == "return" else kfp_annotation(annotation, inputs.get(key))
        for key, annotation in annotations.items()
    }
    code = FunctionSource(function, annotations, module_names(modules), embedded, inputs, returned)
    key = new_key(home_of(plain), plain.__qualname__)
    interface = _interface(function, plain, annotations, inputs, origin)
    return make_component(code, name, key, interface, options, passthroughs)


def _interface(
    function: Any,
    plain: types.FunctionType,
    annotations: Mapping[str, Any],
    inputs: Mapping[str, ValueType],
    origin: str,
) -> Interface:
    signature = inspect.signature(function, eval_str=False)
    return Interface(
        origin,
        tuple(
            parameter.replace(annotation=annotations.get(parameter.name, parameter.annotation))
            for parameter in signature.parameters.values()
            if parameter.name not in bound_arguments(function)
        ),
        function,
        annotations.get("return", inspect.Signature.empty),
        plain.__doc__,
        inputs,
    )
