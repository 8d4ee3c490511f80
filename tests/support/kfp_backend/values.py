"""Values as Go's protobuf library keeps and writes them: numbers are doubles, and keys of dictionaries are sorted."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any


class BackendError(Exception):
    """KFP's driver or launcher fails."""


def kept(value: Any) -> Any:
    """A JSON value as `google.protobuf.Value`."""
    if isinstance(value, dict):
        return {key: kept(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [kept(one) for one in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise BackendError(f"{value} is no JSON")
        return float(value)
    return value


def as_json(value: Any) -> str:
    """What `protojson` writes, without the spaces that it adds."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(key)}:{as_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    if isinstance(value, float):
        return number_in_json(value)
    return json.dumps(value, ensure_ascii=False)


def number_in_json(number: float) -> str:
    """A number as Go's JSON libraries write it: with an exponent if it is small or large."""
    if number and not 1e-6 <= abs(number) < 1e21:
        return repr(number).replace("e-0", "e-")
    return plain_number(number)


def plain_number(number: float) -> str:
    """Go's `strconv.FormatFloat(number, 'f', -1, 64)`."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def as_text(value: Any) -> str:
    """`metadata.PbValueToText`: a value for a parameter of the type string, or in a command."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return plain_number(value)
    text = as_json(value)
    for found, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        text = text.replace(found, escaped)  # as encoding/json does
    return text


def of_text(text: str, kind: str) -> Any:
    """`metadata.TextToPbValue`: an output parameter, from its file."""
    try:
        return kept(_of_text(text, kind))
    except ValueError as error:
        raise BackendError(f"TextToPbValue(text={text!r}, type={kind}) failed") from error


def _of_text(text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    word = text.strip()
    if kind == "NUMBER_INTEGER":
        return int(word.replace("_", "?"))
    if kind == "NUMBER_DOUBLE":
        return float(word)
    if kind == "BOOLEAN":
        if word in ("1", "t", "T", "TRUE", "true", "True"):
            return True
        if word in ("0", "f", "F", "FALSE", "false", "False"):
            return False
        raise ValueError(word)
    value = json.loads(text)
    if not isinstance(value, {"LIST": list, "STRUCT": dict}[kind]):
        raise ValueError(text)
    return value
