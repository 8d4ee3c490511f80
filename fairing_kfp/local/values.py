"""Values as KFP passes them between steps: JSON of Go's protobuf library.

Numbers are doubles, whole numbers are written without a fraction, and the keys of dictionaries are sorted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fairing_kfp.errors import PipelineError

_FIRST_EXPONENT = 1e21  # from here on, numbers are written with an exponent
_LAST_EXPONENT = 1e-6  # and below
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}
_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
_FIELD = re.compile(r"\[(\"(?:[^\"\\]|\\.)*\"|\d+)\]")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "NUMBER_INTEGER": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


class Collected(list[Any]):
    """The outputs of the iterations of a loop. KFP collects those of loops in loops in one list."""


def as_passed(value: Any) -> Any:
    """A JSON value as a step receives it: 1.0 is 1, integers beyond 2**53 are rounded to doubles, keys are sorted."""
    if isinstance(value, dict):
        return {key: as_passed(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [as_passed(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < _FIRST_EXPONENT else number
    return value


def as_text(value: Any) -> str:
    """A value in a text, or passed to a parameter of the type string, as Go writes it: without an exponent."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _without_exponent(value)
    return _json(value).translate(_ESCAPED)


def _json(value: Any) -> str:
    """JSON without spaces; small and large numbers have an exponent."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float) and _LAST_EXPONENT <= abs(value) < _FIRST_EXPONENT:
        return _without_exponent(value)
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("e-0", "e-") if isinstance(value, float) else text


def _without_exponent(number: float) -> str:
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def as_type(value: Any, kind: str, owner: str) -> Any:
    """A value as a parameter of a type; any value is text for a string.

    Args:
        value: the value.
        kind: the parameter's type, such as `NUMBER_INTEGER`.
        owner: the parameter and its task, for messages.

    Raises:
        PipelineError: KFP does not convert the value to the type.
    """
    if kind == "STRING":
        return as_text(value)
    expected = _TYPES.get(kind, object)
    if not isinstance(value, expected) or (isinstance(value, bool) and kind.startswith("NUMBER")):
        raise PipelineError(
            f"{owner} is of the type {kind}, and gets {value!r}", "pass a value of its type, as KFP does not convert it"
        )
    return value


def parsed(text: str, kind: str, owner: str) -> Any:
    """The value of an output parameter, from the file that a step wrote.

    Args:
        text: content of the file.
        kind: the parameter's type.
        owner: the parameter and its task, for messages.

    Raises:
        PipelineError: the text is not of the type.
    """
    if kind == "STRING":
        return text
    try:
        value = _parsed(text, kind)
    except ValueError:
        value = None
    try:
        return as_passed(as_type(value, kind, owner))
    except PipelineError:
        raise PipelineError(
            f"the file of {owner} contains {text[:80]!r}, which is not of the type {kind}", "write its value as JSON"
        ) from None


def _parsed(text: str, kind: str) -> Any:
    """The value of a text as Go parses it.

    Raises:
        ValueError: the text is not of the type.
    """
    word = text.strip()
    if kind == "BOOLEAN" and word in _TRUE | _FALSE:
        return word in _TRUE
    if kind == "NUMBER_INTEGER" and re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    if kind == "NUMBER_DOUBLE" and math.isfinite(number := float(word)):
        return number
    return json.loads(text, parse_constant=_refused) if kind in ("LIST", "STRUCT") else None


def selected(value: Any, selector: str) -> Any:
    """An element of a value, chosen by an expression of kfp's such as `parseJson(string_value)["a"][0]`.

    Raises:
        KeyError: a dictionary has no such key.
        IndexError: a list is too short.
    """
    if isinstance(value, str):
        value = json.loads(value)
    for field in _FIELD.findall(selector):
        value = value[json.loads(field)]
    return value


def filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A JSON value whose placeholders of input parameters are replaced in its text.

    Raises:
        ValueError: the value is not JSON any more, since the text of a parameter contains quotes or newlines.
    """
    text = json.dumps(value)
    found = _PLACEHOLDER.sub(lambda match: as_text(parameters.get(match[1], match[0])), text)
    return value if found == text else json.loads(found)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
