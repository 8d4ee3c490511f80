"""Conditions of tasks: the part of the Common Expression Language that kfp's compiler writes."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from tests.support.kfp_backend.values import BackendError

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?)|'((?:[^'\\]|\\.)*)'|(&&|\|\||[!=<>]=|[\w.]+|.))")
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def is_met(condition: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a condition holds for the input parameters of a task."""
    reader = _Reader(condition, parameters)
    found = reader.either()
    if reader.tokens or not isinstance(found, bool):
        raise BackendError(f"evaluation error: {condition}")
    return found


class _Reader:
    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self.tokens = [match.groups() for match in _TOKEN.finditer(text)]
        self.parameters = parameters

    def takes(self, *words: str) -> str:
        if self.tokens and self.tokens[0][2] in words:
            return str(self.tokens.pop(0)[2])
        return ""

    def either(self) -> Any:
        found = self.both()
        while self.takes("||"):
            found = self.both() or found
        return found

    def both(self) -> Any:
        found = self.comparison()
        while self.takes("&&"):
            found = self.comparison() and found
        return found

    def comparison(self) -> Any:
        left = self.unary()
        word = self.takes(*_COMPARE)
        if not word:
            return left
        right = self.unary()
        alike = isinstance(left, bool) == isinstance(right, bool) and isinstance(left, str) == isinstance(right, str)
        if not alike and word not in ("==", "!="):
            raise BackendError("no such overload")
        return _COMPARE[word](left, right) if alike else word == "!="

    def unary(self) -> Any:
        if self.takes("!"):
            return not self.unary()
        if self.takes("-"):
            return -self.unary()
        if self.takes("("):
            found = self.either()
            self.takes(")")
            return found
        number, text, word = self.tokens.pop(0)
        if number is not None:
            return float(number)
        if text is not None:
            return text.encode().decode("unicode_escape") if "\\" in text else text
        if word in ("true", "false"):
            return word == "true"
        if word in ("int", "double"):
            self.takes("(")
            found = float(self.either())
            self.takes(")")
            return float(int(found)) if word == "int" else found
        if word == "inputs.parameter_values":
            self.takes("[")
            name = self.tokens.pop(0)[1]
            self.takes("]")
            return self.parameters[str(name)]
        raise BackendError(f"syntax error at {word}")
