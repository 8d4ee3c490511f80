"""What a notebook's cell of parameters declares, read as papermill reads it, without running it.

depth = 8               # type: int  how deep the trees are
rate: float = 0.1       # the learning rate
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TYPES: dict[str, type] = {
    "str": str,
    "string": str,
    "int": int,
    "integer": int,
    "float": float,
    "bool": bool,
    "list": list,
    "List": list,
    "Sequence": list,
    "tuple": list,
    "Tuple": list,
    "dict": dict,
    "Dict": dict,
    "Mapping": dict,
}
_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?P<type>[\w.]+(?:\[.*?\](?!\]))?(?:\s*\|\s*[\w.]+)*)\s*(?P<help>.*)")


@dataclass(frozen=True)
class Parameter:
    """A variable that a run may set.

    Attributes:
        name: the variable.
        type: `str`, `int`, `float`, `bool`, `list` or `dict`.
        default: the value that the cell gives it; None also where that is computed.
        help: what its comment says.
        required: whether a run must set it.
    """

    name: str
    type: type
    default: Any = None
    help: str = ""
    required: bool = False


def read_parameters(source: str) -> tuple[Parameter, ...]:
    """The parameters of a cell, in its order.

    Variables of which neither an annotation, a type comment nor a literal tells a type that KFP knows are none.

    Args:
        source: valid Python.
    """
    comments = dict(_comments(source))
    found: dict[str, Parameter] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, annotation, value = statement.targets[0], None, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, annotation, value = statement.target, statement.annotation, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            comment = comments.get(statement.end_lineno or 0, "")
            if parameter := _parameter(target.id, annotation, value, comment):
                found[target.id] = parameter
    return tuple(found.values())


def type_of(annotation: ast.expr | None) -> type | None:
    """The type for KFP that an annotation names: `list[int]` is a list, `float | None` a float; None for any other."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return None
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return type_of(annotation.left) or type_of(annotation.right)
    if isinstance(annotation, ast.Subscript):
        name = getattr(annotation.value, "id", getattr(annotation.value, "attr", ""))
        return type_of(annotation.slice) if name == "Optional" else _TYPES.get(name)
    return _TYPES.get(getattr(annotation, "id", getattr(annotation, "attr", "")))


def _parameter(name: str, annotation: ast.expr | None, value: ast.expr, comment: str) -> Parameter | None:
    typed, text = type_of(annotation), comment.lstrip("# \t")
    if annotation is None and (found := _TYPE_COMMENT.match(comment)):
        typed, text = type_of(ast.Constant(found["type"])), found["help"].lstrip("# \t")
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        default = None
    if isinstance(default, tuple):
        default = list(default)
    typed = typed or (type(default) if type(default) in _TYPES.values() else None)
    if typed is None and isinstance(value, ast.Constant) and value.value is None:
        typed = str  # as papermill takes it: a value of any kind, given as text
    if typed is float and type(default) is int:
        default = float(default)
    if typed is None or not (default is None or type(default) is typed):
        return None
    return Parameter(name, typed, default, text.strip())


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
