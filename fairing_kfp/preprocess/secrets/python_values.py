"""The strings that expressions of Python may be, as far as they are in the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fairing_kfp.preprocess.secrets.values import is_words

_WRAPPERS = {
    *(
        "SecretStr",
        "SecretBytes",
        "Secret",
        "str",
        "bytes",
        "bytearray",
        "b64decode",
        "b64encode",
        "fromhex",
        "unhexlify",
        "Field",
        "field",
    ),
    *(
        "Option",
        "Argument",
        "Query",
        "Header",
        "Fernet",
        "quote",
        "quote_plus",
        "dedent",
        "Password",
        "String",
        "Template",
    ),
}
"""Calls whose argument is the value of the name that their result is given to."""
_HAVE_METHODS = (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Call)
DEFAULTS = frozenset(("default", "value", "default_value", "val", "envvalue", "default_factory"))
"""Arguments that are the value of what a call declares."""


def literals(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The strings that an expression may be, as far as they are in the program."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, (str, bytes)):
            yield _constant(node.value), node
    elif isinstance(node, ast.JoinedStr):
        if (text := _joined(node)) and not isinstance(node.values[0], ast.FormattedValue):
            yield text, node
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = next(literals(node.left), None), next(literals(node.right), None)
        if left and right:
            yield left[0] + right[0], left[1]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        left, right = next(literals(node.left), None), next(literals(node.right), None)
        if left and right:
            yield left[0].replace("%s", right[0], 1), left[1]
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from literals(value)
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))
    elif isinstance(node, ast.Dict):
        constants = (value for value in node.values if isinstance(value, ast.Constant))
        yield from (one for value in constants for one in literals(value) if not is_words(one[0]))
    elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        for item in node.elts:
            yield from literals(item)
    elif isinstance(node, ast.Await):
        yield from literals(node.value)
    elif isinstance(node, ast.Lambda):
        yield from literals(node.body)
    elif isinstance(node, ast.Call):
        yield from _wrapped(node)


def _wrapped(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The string in a call that returns it: `SecretStr("…")`, `"…".encode()`, `os.getenv("TOKEN", "…")`."""
    called = name_of(node.func)
    for argument in (keyword.value for keyword in node.keywords if keyword.arg in DEFAULTS):
        yield from literals(argument)
    if called in _WRAPPERS:
        for argument in node.args:
            yield from literals(argument)
    elif called in ("get", "getenv", "pop", "setdefault", "config", "env") and len(node.args) == 2:
        yield from literals(node.args[1])
    elif called == "format" and isinstance(node.func, ast.Attribute):
        filled = text_of(node.func.value)
        for text, _ in (one for argument in node.args for one in literals(argument)):
            filled = filled.replace("{}", text, 1)
        yield filled, node
    elif called == "join" and isinstance(node.func, ast.Attribute) and text_of(node.func.value) == "":
        parts = [text for argument in node.args for text, _ in literals(argument)]
        if parts:
            yield "".join(parts), node
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, _HAVE_METHODS):
        yield from literals(node.func.value)


def _constant(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _joined(node: ast.JoinedStr) -> str:
    """The text of an f-string, with `{}` for each value."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def string_of(node: ast.Constant | ast.JoinedStr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.JoinedStr):
        yield _joined(node), node
    elif isinstance(node.value, (str, bytes)):
        yield _constant(node.value), node


def name_of(node: ast.AST) -> str:
    """The name of a variable, attribute or item."""
    if isinstance(node, ast.Subscript):
        is_environment = name_of(node.value) in ("environ", "environb", "headers")
        return text_of(node.slice) or (name_of(node.slice) if is_environment else "")
    return str(getattr(node, "id", getattr(node, "attr", "")))


def text_of(node: ast.AST | None) -> str:
    """The text of a constant, or of the sum of constants; empty for others."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return _constant(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) else ""
