"""`record`: a notebook or script gives one of its output parameters.

In an image this file is the package `fairing_kfp`, unless the real one is installed there.
"""

import json
import math
import os
from typing import Any

VARIABLE = "FAIRING_KFP_RECORDED"
"""Holds the outputs that a step declares, as JSON: for each its file and its type in Python."""

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
}


def record(name: str, value: Any) -> None:
    """Gives an output parameter of the step; outside of a step it shows the value.

    Args:
        name: an output that `arguments={name: dsl.OutputPath(type)}` declares.
        value: of that type, or what becomes it (numpy's numbers and arrays); the last one counts.

    Raises:
        LookupError: no such output is declared.
        TypeError: the value is not of the declared type.
        ValueError: JSON has no such number (nan, inf).
    """
    declared = os.environ.get(VARIABLE)
    if declared is None:
        print(f"{name} = {value!r}")
        return
    outputs = json.loads(declared)
    if name not in outputs:
        known = ", ".join(sorted(outputs)) or "none"
        raise LookupError(
            f"the step declares no output {name!r} (it has: {known}); declare it: "
            f'arguments={{"{name}": dsl.OutputPath({type(value).__name__})}}'
        )
    path, kind = outputs[name]
    text = _text(name, value, kind)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)


def _text(name: str, value: Any, kind: str) -> str:
    """The value as KFP reads it."""
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    if isinstance(value, tuple) and kind == "list":
        value = list(value)
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise TypeError(f"the output {name!r} is declared as {kind}, but {value!r} is of type {type(value).__name__}")
    if kind == "str":
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the output {name!r} is {value}, which JSON and so KFP cannot hold")
    return json.dumps(value)
