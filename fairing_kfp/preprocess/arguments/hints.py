"""Type hints of a function's parameters, read from its source."""

from __future__ import annotations

import ast
from dataclasses import replace

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.arguments.syntax import Syntax

_KINDS: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
_LISTS = ("list", "typing.List", "typing.Sequence", "collections.abc.Sequence", "tuple", "typing.Tuple", "set")
_DICTS = ("dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping")


@dataclass(frozen=True)
class Hint:
    """A type hint.

    Attributes:
        kind: str, int, float, bool, list or dict; None without a hint.
        optional: whether None is a valid value.
        notes: the calls in `Annotated`.
        name: the full name of the type.
        marks: the names in `Annotated`, and those of tyro that stand around the type.
    """

    kind: type | None
    optional: bool = False
    notes: tuple[ast.Call, ...] = ()
    name: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function: its name, hint and default."""

    name: str
    hint: Hint
    default: ast.expr | None
    line: int


def hint(syntax: Syntax, node: ast.expr | None) -> Hint:
    """Reads an annotation; values of other types are passed as strings."""
    node = syntax.constant(node)
    if node is None:
        return Hint(None)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return hint(syntax, ast.parse(node.value, mode="eval").body)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union(syntax, [node.left, node.right])
    if isinstance(node, ast.Subscript):
        return _subscript(syntax, node)
    name = syntax.name(node)
    if name in _LISTS or name in _DICTS:
        return Hint(list if name in _LISTS else dict, name=name)
    return Hint(_KINDS.get(name, str), name=name)


def _subscript(syntax: Syntax, node: ast.Subscript) -> Hint:
    name = syntax.name(node.value)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name.endswith("Annotated"):
        inner = hint(syntax, parts[0])
        notes = tuple(note for part in parts[1:] if isinstance(note := syntax.constant(part), ast.Call))
        marks = tuple(mark for part in parts[1:] if (mark := syntax.name(part)))
        return replace(inner, notes=(*notes, *inner.notes), marks=(*marks, *inner.marks))
    if name.startswith("tyro.conf."):
        inner = hint(syntax, parts[0])
        return replace(inner, marks=(name, *inner.marks))
    if name == "typing.Optional":
        return Hint(hint(syntax, parts[0]).kind, True, name=hint(syntax, parts[0]).name)
    if name == "typing.Union":
        return _union(syntax, parts)
    if name.endswith("Literal"):
        first = parts[0].value if isinstance(parts[0], ast.Constant) else ""
        return Hint(_KINDS.get(type(first).__name__, str), name=name)
    if name in _LISTS and isinstance(getattr(parts[-1], "value", None), type(...)):  # tuple[int, ...]
        name = "list"
    return Hint(list if name in _LISTS else dict if name in _DICTS else str, name=name)


def _union(syntax: Syntax, parts: list[ast.expr]) -> Hint:
    rest = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    inner = [hint(syntax, part) for part in rest]
    kinds = {one.kind for one in inner}
    optional = len(rest) < len(parts) or any(one.optional for one in inner)
    name = inner[0].name if len(inner) == 1 else "str" if all(one.name in _KINDS for one in inner) else "typing.Union"
    return Hint(inner[0].kind if len(kinds) == 1 else str, optional, name=name)


def parameters(
    syntax: Syntax, function: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool = False
) -> tuple[Parameter, ...]:
    """The named parameters of a function.

    Args:
        syntax: the script.
        function: the function.
        method: whether its first parameter is `self` or `cls`.
    """
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(places) - len(arguments.defaults)), *arguments.defaults]
    pairs = [*zip(places, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    is_static = any(syntax.name(decorator) == "staticmethod" for decorator in function.decorator_list)
    return tuple(
        Parameter(argument.arg, hint(syntax, argument.annotation), default, argument.lineno)
        for argument, default in pairs[1 if method and not is_static else 0 :]
    )
