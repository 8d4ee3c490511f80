"""Conditions of tasks, in the part of the Common Expression Language (CEL) that kfp writes."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.values import as_text

_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|&&|\|\||!=|!|\s+|\w+|.")
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False", "null": "None"}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {"int": int, "double": float, "string": as_text, "bool": bool}


def is_met(condition: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a task with a condition runs.

    Args:
        condition: the condition, such as `inputs.parameter_values['n'] > 3`.
        parameters: the input parameters of the task.

    Raises:
        PipelineError: the condition cannot be evaluated for these values.
    """
    text = "".join(_WORDS.get(token, " " if token.isspace() else token) for token in _TOKEN.findall(condition))
    try:
        return bool(_value(ast.parse(text.strip(), mode="eval").body, parameters))
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        raise PipelineError(
            f"the condition {condition} cannot be evaluated: {error}", "compare values of the same type"
        ) from error


def _value(node: ast.expr, parameters: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, parameters)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, parameters)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(value, parameters) for value in values)
        case ast.BoolOp(values=values):
            return any(_value(value, parameters) for value in values)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return _COMPARE[type(op)](_value(left, parameters), _value(right, parameters))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument, parameters))
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="inputs")), slice=ast.Constant(value=str(name))):
            return parameters[name]
    raise ValueError(f"unknown expression {ast.unparse(node)}")
