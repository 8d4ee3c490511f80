"""`record`, by which a notebook or script sets an output parameter.

In an image, `fairing_kfp` exports this function even if the package itself is not installed.
"""

import json
import math
import os
from typing import Any

VARIABLE = "FAIRING_KFP_RECORDED"
"""The environment variable with the declared outputs of a step, as JSON: by name the file and the Python type."""

_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
}


def record(name: str, value: Any) -> None:
    """Sets an output parameter of the step. Outside of a step it prints the value.

    Args:
        name: an output that `arguments={name: dsl.OutputPath(type)}` declares.
        value: a value of the declared type, or a number or array of numpy that converts to it. A later call replaces
            the value.

    Raises:
        LookupError: the step does not declare the output.
        TypeError: the value is not of the declared type.
        ValueError: the value is NaN or infinite, which JSON cannot represent.
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
    """The value as the text that KFP reads."""
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    if isinstance(value, tuple) and kind == "list":
        value = list(value)
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise TypeError(f"the output {name!r} is declared as {kind}, but {value!r} is of type {type(value).__name__}")
    if kind == "str":
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the output {name!r} is {value}, which JSON and so KFP cannot represent")
    return json.dumps(value)
