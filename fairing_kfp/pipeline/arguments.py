"""Arguments of a pipeline, checked before its first step starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.integers import check_integer
from fairing_kfp.preprocess.values import plain

if TYPE_CHECKING:
    from fairing_kfp.pipeline.input_types import TypedInput, TypedInputs
    from fairing_kfp.pipeline.specification import Specification

_TYPES: dict[str, Any] = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": bool,
    "LIST": (list, tuple),
    "STRUCT": dict,
}


def check_arguments(
    specification: Specification, arguments: Mapping[str, Any], inputs: TypedInputs | None = None
) -> dict[str, Any]:
    """The arguments of a pipeline as JSON. Text (`-p depth=6`) is parsed as the parameter's type.

    Args:
        specification: the compiled pipeline.
        arguments: its arguments; values may be instances of the types of the inputs to which they are passed.
        inputs: the inputs of types that KFP does not know, by parameter.

    Raises:
        PipelineError: a parameter is unknown or missing, or its value has the wrong type
            or an integer beyond 2**53.
    """
    parameters, name = specification.parameters, specification.name
    known = ", ".join(sorted(parameters)) or "none"
    for given in arguments:
        if given not in parameters:
            raise PipelineError(f"the pipeline {name} has no parameter {given!r}", f"its parameters: {known}")
    for required, parameter in parameters.items():
        optional = parameter.get("isOptional") or "defaultValue" in parameter
        if required not in arguments and not optional:
            raise PipelineError(f"the pipeline {name} needs a value for {required!r}", f"add -p {required}=VALUE")
    inputs = inputs or {}
    return {key: _typed(key, value, parameters[key], inputs.get(key, ())) for key, value in arguments.items()}


def _typed(name: str, value: Any, parameter: Mapping[str, Any], inputs: Sequence[TypedInput]) -> Any:
    kind = parameter["parameterType"]
    if value is None and parameter.get("isOptional"):
        return None
    parsed = plain(value)
    if isinstance(parsed, str) and kind != "STRING":
        try:
            parsed = json.loads(parsed.lower() if kind == "BOOLEAN" else parsed)
        except ValueError:
            parsed = value if inputs else None
    for one in inputs:
        parsed = one.encoded(parsed, name)
    parsed = plain(parsed)
    types = _TYPES.get(kind, object)
    if not isinstance(parsed, types) or (isinstance(parsed, bool) and kind != "BOOLEAN"):
        word = kind.removeprefix("NUMBER_").lower()
        raise PipelineError(
            f"{name}={value!r} is not of the type {word}", "use numbers, true or false, and JSON for lists and structs"
        )
    check_integer(parsed, name)
    return float(parsed) if kind == "NUMBER_DOUBLE" else parsed
