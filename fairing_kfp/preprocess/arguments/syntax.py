"""The syntax tree of a script: imported names, constants and literal values."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from fairing_kfp.preprocess.modules.imports import imports_in

_PATHS = {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.fspath", "str"}


class NotConstantError(ValueError):
    """A value is known only at run time."""


class Syntax:
    """A script's syntax tree.

    Attributes:
        tree: the tree.
    """

    def __init__(self, text: str | bytes, filename: str) -> None:
        self.tree = ast.parse(text, filename)

    @cached_property
    def imported(self) -> dict[str, str]:
        """Full names of imported names: `argparse.ArgumentParser` for `ArgumentParser`, `typer` for `t`."""
        return {one.local_name: one.target for one in imports_in(self.tree) if not one.level}

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """The values of names that are assigned once, at the top level."""
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
        """The functions at the top level."""
        return {n.name: n for n in self.tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes at the top level."""
        return {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}

    def calls(self) -> Iterator[ast.Call]:
        """All calls, ordered by their last lines."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return iter(sorted(found, key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0)))

    def name(self, node: ast.AST | None) -> str:
        """The full name of an expression, such as `argparse.FileType`; empty if it is not a name.

        A name that stands for another, as by `Arg = typer.Argument`, has that one's.
        """
        if isinstance(node, ast.Name):
            alias = self.constants.get(node.id)
            if node.id in self.imported or not isinstance(alias, (ast.Name, ast.Attribute)) or _names(alias, node.id):
                return self.imported.get(node.id, node.id)
            return self.name(alias)
        if isinstance(node, ast.Attribute):
            base = self.name(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def value(self, node: ast.expr) -> Any:
        """The value of a constant expression; paths become strings.

        Raises:
            NotConstantError: the value is computed.
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
            raise NotConstantError(ast.unparse(node)) from None
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise NotConstantError(ast.unparse(node))
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
        raise NotConstantError(ast.unparse(node))

    def _member(self, cls: ast.ClassDef, name: str) -> Any:
        """The value of an enumeration member."""
        for node in cls.body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
                return self.value(node.value)
        raise NotConstantError(f"{cls.name}.{name}")

    def constant(self, node: ast.expr | None) -> ast.expr | None:
        """The expression that a name stands for, if it is assigned once at the top level; otherwise the node."""
        while isinstance(node, ast.Name) and node.id in self.constants and self.constants[node.id] is not node:
            node = self.constants[node.id]
        return node

    def keyword_value(self, call: ast.Call, name: str, otherwise: Any = None) -> Any:
        """The value of a keyword argument.

        Raises:
            NotConstantError: the value is computed.
        """
        node = keyword(call, name)
        return otherwise if node is None else self.value(node)

    def text(self, call: ast.Call, *names: str) -> str:
        """The first of these keyword arguments that is a string, in one line; empty if there is none."""
        for name in names:
            try:
                found = self.keyword_value(call, name, "")
            except NotConstantError:
                continue
            if isinstance(found, str) and found:
                return " ".join(found.split())
        return ""

    def strings(self, call: ast.Call) -> list[str]:
        """The positional arguments of a call, which are strings.

        Raises:
            NotConstantError: an argument is computed, or is not a string.
        """
        found = [self.value(node) for node in call.args]
        if not all(isinstance(item, str) for item in found):
            raise NotConstantError(ast.unparse(call))
        return found


def _names(node: ast.expr, name: str) -> bool:
    """Whether a name occurs in an expression."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The expression of a keyword argument; None if the call does not have it."""
    return next((item.value for item in call.keywords if item.arg == name), None)


def keywords(call: ast.Call) -> set[str]:
    """The names of a call's keyword arguments."""
    return {item.arg for item in call.keywords if item.arg}


def from_json(text: Any) -> Any:
    """Parses JSON; returns any other text unchanged."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
