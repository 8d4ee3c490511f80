"""Python source texts, compared by their definitions."""

from __future__ import annotations

import ast
import difflib
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST = 40  # characters of a value in a sentence
_LINES = 6  # lines of a difference

COMMENTS = "only its comments or layout changed"
"""Of a text whose code is equal."""


@dataclass(frozen=True)
class Definition:
    """A definition of a module.

    Attributes:
        code: its code, without positions; equal for equal code.
        body: likewise, without docstrings.
        value: the value that is assigned, in a few characters; empty if it is longer, or there is none.
    """

    code: str
    body: str
    value: str = ""


def changed_definitions(old: str, new: str) -> list[str]:
    """What changed in a module: sentences such as `fit() changed` and `RATE: 0.1 → 0.2`.

    Args:
        old: the old text.
        new: the new text.
    """
    try:
        before, after = definitions(old), definitions(new)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = [_change(name, before.get(name), after.get(name)) for name in [*before, *(after.keys() - before.keys())]]
    return [one for one in found if one] or [COMMENTS]


def definitions(text: str) -> dict[str, Definition]:
    """The definitions of a module, by name.

    Raises:
        SyntaxError: the text is not Python.
    """
    found: dict[str, list[Definition]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about the code
        tree = ast.parse(textwrap.dedent(text))
    for name, definition in _definitions(tree, ""):
        found.setdefault(name, []).append(definition)
    return {
        name: Definition("\n".join(one.code for one in all_), "\n".join(one.body for one in all_), all_[-1].value)
        for name, all_ in found.items()
    }


def changed_lines(old: str, new: str) -> list[str]:
    """The lines that differ, with `-` or `+` before them; none if there are many."""
    lines = difflib.unified_diff(_lines(old), _lines(new), n=0, lineterm="")
    found = [line for line in lines if not line.startswith(("---", "+++", "@@")) and line[1:].strip()]
    return found if len(found) <= _LINES else []


def _lines(text: str) -> list[str]:
    return textwrap.dedent(text).splitlines()


def _change(name: str, old: Definition | None, new: Definition | None) -> str:
    if old is None or new is None:
        return f"{name} {'removed' if new is None else 'added'}"
    if old.code == new.code:
        return ""
    if old.body == new.body:
        return f"the docstring of {name} changed" if name != "the docstring" else f"{name} changed"
    has_values = old.value and new.value and old.value != new.value
    return f"{name}: {old.value} → {new.value}" if has_values else f"{name} changed"


def _definitions(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Definition]]:
    for node in scope.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{prefix}{node.name}()", _of(node)
        elif isinstance(node, ast.ClassDef):
            head = ast.ClassDef(**{**dict(ast.iter_fields(node)), "body": []})
            yield f"the class {prefix}{node.name}", _of(head)
            yield from _definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and (names := _targets(node)):
            value = ast.unparse(node.value) if node.value else ""
            yield f"{prefix}{', '.join(names)}", _of(node, value if len(value) <= _LONGEST else "")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield "the imports", _of(node)
        elif _is_text(node):
            yield "the docstring" if not prefix else f"the docstring of {prefix.rstrip('.')}", _of(node)
        else:
            yield f"the code of {prefix.rstrip('.') or 'the module'} outside of functions", _of(node)


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _of(node: ast.AST, value: str = "") -> Definition:
    code = ast.dump(node)
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[0] = ast.Pass()
    return Definition(code, ast.dump(node), value)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
