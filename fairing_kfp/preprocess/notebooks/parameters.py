"""Parameters of a notebook, read from a cell as papermill does, without running it.

depth = 8               # type: int  how deep the trees are
rate: float = 0.1       # the learning rate
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Any

from fairing_kfp.frozen import dataclass

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
_CALLS: dict[str, type] = {
    **{name: typed for name, typed in _TYPES.items() if name in ("int", "float", "bool", "list", "dict", "tuple")},
    "sorted": list,
    "split": list,
    "len": int,
    "round": float,
    "perf_counter": float,
}
"""The types of what functions and methods return; others return a string, as far as is known."""
_EXPRESSIONS: tuple[tuple[tuple[type[ast.expr], ...], type], ...] = (
    ((ast.List, ast.Tuple, ast.ListComp), list),
    ((ast.Dict, ast.DictComp), dict),
    ((ast.Compare,), bool),
)
_TYPE_COMMENT = re.compile(r"#\s*type:\s*(?P<type>[\w.]+(?:\[.*?\](?!\]))?(?:\s*\|\s*[\w.]+)*)\s*(?P<help>.*)")


@dataclass(frozen=True)
class Parameter:
    """A variable that a run can set.

    Attributes:
        name: the variable.
        type: `str`, `int`, `float`, `bool`, `list` or `dict`.
        default: its value in the cell; None also if that is computed.
        help: its comment.
        required: whether a run must set it.
    """

    name: str
    type: type
    default: Any = None
    help: str = ""
    required: bool = False


def read_parameters(source: str) -> tuple[Parameter, ...]:
    """The parameters of a cell, in order.

    A variable is a parameter if its annotation, type comment or value has a type that KFP supports. A computed value is
    not known here: it makes an optional parameter, of the type that its expression shows, or else a string.

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
    """The type of an annotation in KFP: list for `list[int]`, float for `float | None`, None for other types."""
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
    computed = False
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        default, computed = None, True
    if isinstance(default, tuple):
        default = list(default)
    typed = typed or (type(default) if type(default) in _TYPES.values() else None)
    if typed is None and (computed or (isinstance(value, ast.Constant) and value.value is None)):
        # a string stands for any value, as in papermill; other annotations are of objects, which no run can give
        typed = _computed_type(value) if annotation is None else None
    if typed is float and type(default) is int:
        default = float(default)
    if typed is None or not (default is None or type(default) is typed):
        return None
    return Parameter(name, typed, default, text.strip())


def _computed_type(value: ast.expr) -> type | None:
    """The type of an expression, as far as it shows; None if no run can give such a value."""
    if isinstance(value, (ast.Lambda, ast.Await, ast.GeneratorExp, ast.Set, ast.SetComp)):
        return None
    if isinstance(value, ast.Call):
        return _CALLS.get(getattr(value.func, "id", getattr(value.func, "attr", "")), str)
    if isinstance(value, ast.UnaryOp) and not isinstance(value.op, ast.Not):
        return _computed_type(value.operand)
    if isinstance(value, ast.Constant):
        return type(value.value) if type(value.value) in _TYPES.values() else str
    if isinstance(value, ast.IfExp):
        return _computed_type(value.body)
    if isinstance(value, ast.BinOp):
        sides = {_computed_type(value.left), _computed_type(value.right)}
        if sides <= {int, float}:
            return float if float in sides or isinstance(value.op, ast.Div) else int
        return list if list in sides else str
    return next((typed for kinds, typed in _EXPRESSIONS if isinstance(value, kinds)), str)


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
