"""What a script's syntax tree says: imported names, constants, and values that are written out."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

_PATHS = {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.fspath", "str"}


class Unknown(ValueError):  # noqa: N818 - no error of anybody's
    """A value that only running the script would tell."""


class Syntax:
    """A script's syntax tree.

    Attributes:
        tree: the tree.
    """

    def __init__(self, text: str | bytes, filename: str) -> None:
        self.tree = ast.parse(text, filename)

    @cached_property
    def imported(self) -> dict[str, str]:
        """What names stand for: `ArgumentParser` for `argparse.ArgumentParser`, `t` for `typer`."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        return found

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """The names of the file that are bound once, at its top."""
        bound: dict[str, list[ast.expr]] = {}
        for node in self.tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        bound.setdefault(target.id, []).append(node.value)
        stores = [n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        return {name: values[0] for name, values in bound.items() if stores.count(name) == 1}

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions at the file's top."""
        return {n.name: n for n in self.tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the file's top."""
        return {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}

    def calls(self) -> Iterator[ast.Call]:
        """The calls of the file, in the order of its lines."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return iter(sorted(found, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)))

    def name(self, node: ast.AST | None) -> str:
        """The full name that an expression spells: `argparse.FileType`; empty when it is none."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.name(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def value(self, node: ast.expr) -> Any:
        """The value of an expression that is written out; paths become strings.

        Raises:
            Unknown: it is computed.
        """
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.value(self.constants[node.id])
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
            return {self.value(key): self.value(item) for key, item in zip(node.keys, node.values, strict=True) if key}
        if isinstance(node, ast.Call) and self.name(node.func) in _PATHS and len(node.args) == 1:
            return str(self.value(node.args[0]))
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.classes:
            return self._member(self.classes[node.value.id], node.attr)
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            raise Unknown(ast.unparse(node)) from None
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise Unknown(ast.unparse(node))
        return value

    def _operation(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        try:
            if isinstance(node.op, ast.Mult) and all(isinstance(part, (int, float)) for part in (left, right)):
                return left * right
            if isinstance(node.op, ast.Add):
                return left + right
            if isinstance(node.op, ast.Pow) and all(isinstance(part, (int, float)) for part in (left, right)):
                return left**right if abs(right) < 100 else None
            if isinstance(node.op, ast.Div):
                return f"{left}/{right}" if isinstance(left, str) else left / right
        except (TypeError, ArithmeticError):
            pass
        raise Unknown(ast.unparse(node))

    def _member(self, cls: ast.ClassDef, name: str) -> Any:
        """The value of an enumeration's member."""
        for node in cls.body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
                return self.value(node.value)
        raise Unknown(f"{cls.name}.{name}")

    def given(self, call: ast.Call, name: str, otherwise: Any = None) -> Any:
        """The value of a call's keyword.

        Raises:
            Unknown: it is computed.
        """
        node = keyword(call, name)
        return otherwise if node is None else self.value(node)

    def text(self, call: ast.Call, *names: str) -> str:
        """The text that a call gives by one of these keywords, in one line; empty when it is computed."""
        for name in names:
            try:
                found = self.given(call, name, "")
            except Unknown:
                continue
            if isinstance(found, str) and found:
                return " ".join(found.split())
        return ""

    def strings(self, call: ast.Call) -> list[str]:
        """The positional arguments of a call, all strings.

        Raises:
            Unknown: one is computed.
        """
        found = [self.value(node) for node in call.args]
        if not all(isinstance(item, str) for item in found):
            raise Unknown(ast.unparse(call))
        return found


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The expression that a call gives by a keyword."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def from_json(text: Any) -> Any:
    """The value of a JSON text; the text itself when it is none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
