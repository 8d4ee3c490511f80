"""Definitions of a notebook: statements that bind names and do not depend on the rest of the notebook."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

_MAKES_VALUES = {
    *("TypeVar", "ParamSpec", "NewType", "namedtuple", "NamedTuple", "TypedDict", "Enum", "IntEnum", "getLogger"),
    *("compile", "partial", "Path", "PurePosixPath", "timedelta", "Decimal", "Fraction"),
    *("frozenset", "set", "tuple", "list", "dict", "str", "bytes", "int", "float", "bool", "complex", "range"),
}
"""Functions without side effects, which only return a value."""

_HARMLESS = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.JoinedStr, ast.FormattedValue),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.arguments, ast.arg, ast.keyword),
)


def definitions(body: list[ast.stmt]) -> list[ast.stmt]:
    """The imports, functions, classes and constants among a notebook's statements, in order.

    A variable whose value depends on other statements is not a constant.
    """
    known = set(dir(builtins)) | {"__name__"}
    found = []
    for statement in body:
        if _defines(statement, known):
            found.append(statement)
            known |= set(_names(statement))
    return found


def _defines(statement: ast.stmt, known: set[str]) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return True
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        named = all(isinstance(target, (ast.Name, ast.Tuple)) for target in targets)
        return named and statement.value is not None and _is_constant(statement.value, known)
    if isinstance(statement, ast.If):
        return _is_constant(statement.test, known) and _all_define([*statement.body, *statement.orelse], known)
    if isinstance(statement, ast.Try):
        handled = [inner for handler in statement.handlers for inner in handler.body]
        return _all_define([*statement.body, *handled, *statement.orelse, *statement.finalbody], known)
    return type(statement).__name__ == "TypeAlias"  # Python 3.12


def _all_define(body: list[ast.stmt], known: set[str]) -> bool:
    inside = set(known)
    for statement in body:
        if not isinstance(statement, ast.Pass) and not _defines(statement, inside):
            return False
        inside |= set(_names(statement))
    return True


def _is_constant(value: ast.expr, known: set[str]) -> bool:
    own = {node.arg for node in ast.walk(value) if isinstance(node, ast.arg)}
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id not in known | own:
            return False
        if isinstance(node, ast.Call):
            if getattr(node.func, "id", getattr(node.func, "attr", "")) not in _MAKES_VALUES:
                return False
        elif not isinstance(node, _HARMLESS):
            return False
    return True


def _names(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
