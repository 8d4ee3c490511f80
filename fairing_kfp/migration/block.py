"""Python in a script or a cell, with the place of each node of its syntax tree."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import cached_property

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True)
class Line:
    """A line of the text of a script or a cell.

    Attributes:
        start: the position of its first character in that text.
        text: the Python that was parsed, a suffix of the line; None if it is not part of the line.
        indent: the number of characters before that suffix.
    """

    start: int
    text: str | None
    indent: int = 0


@dataclass(frozen=True)
class Block:
    """A piece of Python, in the text of a script or a cell.

    Attributes:
        text: the whole text of the script or cell.
        tree: the syntax tree of the piece.
        lines: its lines.
        first: the number of its first line in the text, from 1.
        cell: the number of the cell in its notebook; 0 in a script.
    """

    text: str
    tree: ast.Module
    lines: tuple[Line, ...]
    first: int = 1
    cell: int = 0

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree."""
        return tuple(ast.walk(self.tree))

    def line(self, node: ast.AST) -> int:
        """The number of a node's first line in the text, from 1."""
        return self.first - 1 + int(getattr(node, "lineno", 1))

    def start(self, node: ast.AST) -> int | None:
        """The position of a node in the text; None if its line is a magic."""
        return self._position(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int | None:
        """The position after a node in the text; None if its line is a magic."""
        return self._position(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def source(self, node: ast.AST) -> str:
        """The text of a node; empty if it is part of a magic."""
        start, end = self.start(node), self.end(node)
        return "" if start is None or end is None else self.text[start:end]

    def _position(self, number: int, column: int) -> int | None:
        line = self.lines[number - 1]
        if line.text is None:
            return None
        return line.start + line.indent + len(line.text.encode()[:column].decode())  # columns count bytes


def split_lines(text: str) -> list[str]:
    """The lines of a text with their ends, as Python's tokenizer splits them: not at form feeds."""
    return [line for line in _LINE.findall(text) if line]


def parse(text: str, start: int = 0, end: int | None = None, cell: int = 0) -> Block:
    """Parses a part of a text as Python.

    Args:
        text: the text of a script or a cell.
        start: the position of the part's first character, which starts a line or follows a magic's name.
        end: the position after the part; the text's end by default.
        cell: the number of the cell.

    Raises:
        SyntaxError: it is not valid Python.
    """
    part = text[start:end]
    lines, at = [], start
    for line in split_lines(part):
        lines.append(Line(at, line))
        at += len(line)
    first = len(split_lines(text[:start] + "."))
    try:
        tree = syntax_tree(part)
    except SyntaxError as error:
        error.lineno = first - 1 + (error.lineno or 1)
        raise
    return Block(text, tree, (*lines, Line(at, "")), first, cell)


def syntax_tree(text: str) -> ast.Module:
    """Parses Python, without its warnings about escapes.

    Raises:
        SyntaxError: it is not valid Python, or is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except ValueError as error:  # a null character
            raise SyntaxError(str(error)) from error
        except (RecursionError, MemoryError) as error:
            raise SyntaxError("the code is nested too deeply") from error
