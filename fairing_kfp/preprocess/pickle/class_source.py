"""The source texts of classes, so that `inspect.getsource` works for those that are pickled by value."""

from __future__ import annotations

import ast
import linecache
import re
import sys
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fairing_kfp.frozen import dataclass

_CELL = re.compile(r"^<(?:ipython-input|python-input)|[\\/]ipykernel_")
"""File names of notebook cells and of entries in a REPL."""

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class ClassSource:
    """The source text of a class, as a file of its own.

    Attributes:
        text: empty definitions of what encloses the class, then the class without its decorators.
        line: the line in which the class begins, from 1.
        filename: the file or notebook cell that defines it.
    """

    text: str
    line: int
    filename: str


def class_source(cls: type) -> ClassSource | None:
    """The source text of a class; None for one that was not written as such, or whose file has gone."""
    for filename in _filenames(cls):
        linecache.checkcache(filename)
        lines = linecache.getlines(filename)
        found = _definitions("".join(lines)).get(cls.__qualname__)
        if found:
            begin, end = found
            block = lines[begin - 1 : end]
            indent = re.match(r"\s*", block[0])[0]  # type: ignore[index]
            headers = _headers(cls.__qualname__.split(".")[:-1], indent)
            return ClassSource("".join([*headers, *block]).rstrip("\n") + "\n", len(headers) + 1, filename)
    return None


def _headers(scopes: list[str], indent: str) -> list[str]:
    """Definitions of the classes and functions around a class, each one character deeper."""
    named = [
        (name, "def {}():" if scopes[place + 1 : place + 2] == ["<locals>"] else "class {}:")
        for place, name in enumerate(scopes)
        if name != "<locals>"
    ]
    return [f"{indent[:depth]}{form.format(name)}\n" for depth, (name, form) in enumerate(named)]


def _filenames(cls: type) -> Iterator[str]:
    """The files that may define a class: those of its methods, that of its module, and cells, the latest first."""
    for value in vars(cls).values():
        function: Any = getattr(value, "__func__", getattr(value, "fget", value))
        own = isinstance(function, types.FunctionType) and function.__qualname__.startswith(f"{cls.__qualname__}.")
        if own and not function.__code__.co_filename.startswith(("<string>", "<attrs")):
            yield function.__code__.co_filename
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file:
        yield file
    else:
        yield from (name for name in reversed(list(linecache.cache)) if _CELL.search(name))


@lru_cache(maxsize=256)
def _definitions(text: str) -> dict[str, tuple[int, int]]:
    """The first and last lines of the classes in a text, by qualified name; of several the last."""
    try:
        return dict(_classes(ast.parse(text), ""))
    except (SyntaxError, ValueError):
        return {}


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for child in ast.iter_child_nodes(node):
        inside = prefix
        if isinstance(child, _Definition):
            name = f"{prefix}{child.name}"
            inside = f"{name}." if isinstance(child, ast.ClassDef) else f"{name}.<locals>."
            if isinstance(child, ast.ClassDef):
                yield name, (child.lineno, child.end_lineno or child.lineno)
        if not isinstance(child, ast.expr):
            yield from _classes(child, inside)
