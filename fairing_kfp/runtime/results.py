"""Checks of a step's outputs before KFP's executor writes them: KFP's launcher reads strict JSON of their types."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_PLAIN = (str, int, float, bool, type(None))
_TYPES = (str, int, float, bool, list, dict)


class PassingError(Exception):
    """KFP cannot pass a value between steps."""


def check_outputs(executor: Any) -> None:
    """Makes an executor check and convert the returned value and the metadata of artifacts before it writes them.

    Scalars of numpy and pandas become Python's scalars, and tuples become lists.

    Args:
        executor: KFP's executor of the step; changed in place.
    """
    write = executor.write_executor_output

    def write_checked(returned: Any = None) -> Any:
        for name, artifact in executor.output_artifacts.items():
            artifact.metadata = json_value(artifact.metadata, f"the metadata of the artifact {name}")
        return write(_returned(returned, executor.return_annotation))

    executor.write_executor_output = write_checked


def _returned(value: Any, annotation: Any) -> Any:
    fields = getattr(annotation, "_fields", None)
    if fields is None:
        return _output(value, annotation, "Output")
    if value is None:
        raise PassingError(f"the step returned None, but its outputs are {', '.join(fields)}: return all of them")
    if len(fields) != len(value):
        return value  # KFP's executor raises an error with both lengths
    named = [value[number] if type(value) is tuple else getattr(value, name) for number, name in enumerate(fields)]
    kinds = annotation.__annotations__
    return tuple(_output(one, kinds[name], name) for name, one in zip(fields, named, strict=True))


def _output(value: Any, annotation: Any, name: str) -> Any:
    """An output parameter as a JSON value of its type; an artifact unchanged."""
    kind = getattr(annotation, "__origin__", None) or annotation
    if kind not in _TYPES:
        return value
    if value is None:
        raise PassingError(
            f"the output {name} is None, but its type is {kind.__name__}: return a value in every case, or write an "
            "optional value to an artifact"
        )
    plain = scalar(value)
    if kind is list and isinstance(plain, tuple):
        plain = list(plain)
    if not isinstance(plain, (int, float) if kind is float else kind):
        raise PassingError(
            f"the output {name} is a {type(value).__module__}.{type(value).__qualname__}, but its type is "
            f"{kind.__name__}: return a {kind.__name__}, or write the value to an artifact (dsl.Output[dsl.Dataset])"
        )
    return json_value(plain, f"the output {name}")


def json_value(value: Any, where: str, is_open: Callable[[Any], bool] = lambda value: False) -> Any:
    """Converts a value to JSON types; dates and times become texts of ISO 8601.

    Args:
        value: the value.
        where: the name of the value, for messages.
        is_open: returns whether a value is known only at run time; such values are unchanged.

    Raises:
        PassingError: JSON cannot represent the value.
    """
    value = scalar(value)
    if is_open(value):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise PassingError(
            f"{where} is {value}, which KFP cannot pass, as JSON has no NaN or infinity: use a finite number or text"
        )
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {key: json_value(one, f"{where}[{key!r}]", is_open) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(one, f"{where}[{number}]", is_open) for number, one in enumerate(value)]
    import datetime  # here, since few steps have dates

    if isinstance(value, (datetime.date, datetime.time)) and value == value:  # NaT is not equal to itself
        return value.isoformat()
    raise PassingError(
        f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which JSON does not have: convert it to "
        "text or a number, or write it to an artifact"
    )


def scalar(value: Any) -> Any:
    """Converts a scalar of numpy to Python's; any other value is unchanged."""
    if not hasattr(value, "dtype") or getattr(value, "ndim", None) != 0:
        return value
    if value.dtype.kind in "mM":  # dates and durations, which numpy converts to integers if their unit is nanoseconds
        value = value.astype(f"{value.dtype.kind}8[us]")
    return value.item()
