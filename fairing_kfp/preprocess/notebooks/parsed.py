"""A cell of a notebook → Python with calls of `get_ipython()`, as IPython's transformer makes it."""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeGuard

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.notebooks.automagic import automagic
from fairing_kfp.preprocess.notebooks.document import Cell
from fairing_kfp.preprocess.notebooks.magics import CellLines, Omission, WrittenFile, remove_cell_magics
from fairing_kfp.preprocess.notebooks.python_2 import is_python_2


@dataclass(frozen=True)
class ParsedCell:
    """A cell in which calls of `get_ipython()` replace magics and shell commands."""

    cell: Cell
    text: str
    tree: ast.Module
    awaits: bool
    omissions: tuple[Omission, ...]
    files: tuple[WrittenFile, ...]

    @property
    def shells(self) -> frozenset[str]:
        """The variables that refer to IPython's shell."""
        return frozenset(
            target.id
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Assign, ast.NamedExpr)) and is_get_ipython(node.value)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        )


def parsed_cells(cells: Sequence[Cell], notebook: str, *, python_2: bool = False) -> list[ParsedCell]:
    """Parses the cells of a notebook.

    Args:
        cells: the cells.
        notebook: the notebook's name, for messages.
        python_2: whether its kernel is one of Python 2, whose cells may well be valid in both.

    Raises:
        PackError: a cell is not valid Python.
    """
    parsed = [_parse(cell, notebook, python_2) for cell in cells]
    bound = {name for cell in parsed for name in bound_names(cell.tree)}
    return [_with_automagic(cell, bound, notebook, python_2) for cell in parsed]


def _parse(cell: Cell, notebook: str, python_2: bool, source: str = "") -> ParsedCell:
    """Parses a cell, or another source in its place."""
    text = source or cell.source
    try:
        lines = python_lines(cell.number, text)  # from Python 3.12 on it raises errors of indentation
        text = "".join(lines.lines)
        tree = ast.parse(text)
        code = compile(_without_futures(tree), notebook, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        magic, with_percent = automagic(cell.source)
        if magic and not source:
            return _parse(cell, notebook, python_2, with_percent)
        line = getattr(error, "lineno", None) or 1
        said, remedy = getattr(error, "msg", error), "correct the cell, or tag it `skip`"
        if python_2 or is_python_2(text, error):
            said, remedy = f"this is Python 2 ({said})", "convert the notebook to Python 3, or tag the cell `skip`"
        raise PackError(f"{notebook}, cell {cell.number}, line {line}: {said}", remedy) from error
    awaits = bool(code.co_flags & inspect.CO_COROUTINE)
    return ParsedCell(cell, text, tree, awaits, tuple(lines.omissions), tuple(lines.files))


def _without_futures(tree: ast.Module) -> ast.Module:
    """A tree without imports from `__future__`, which a cell of a notebook can have after other statements.

    Raises:
        SyntaxError: this Python has no such feature.
    """
    without = copy.copy(tree)
    without.body = [statement for statement in tree.body if not is_future(statement)]
    for statement in tree.body:
        for alias in statement.names if is_future(statement) else ():
            if alias.name not in __future__.all_feature_names:
                raise SyntaxError(f"future feature {alias.name} is not defined", ("", statement.lineno, 1, ""))
    return without


def is_future(statement: ast.stmt) -> TypeGuard[ast.ImportFrom]:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _with_automagic(parsed: ParsedCell, bound: Collection[str], notebook: str, python_2: bool) -> ParsedCell:
    """Reads a cell such as `ls -l` as the magic, unless the notebook has a variable of that name."""
    magic, source = automagic(parsed.cell.source)
    is_expression = len(parsed.tree.body) == 1 and isinstance(parsed.tree.body[0], ast.Expr)
    if not magic or magic in bound or "*" in bound or not is_expression or f"{magic}(" in source:
        return parsed
    return _parse(parsed.cell, notebook, python_2, source)


def bound_names(tree: ast.Module) -> Iterator[str]:
    """The names that are bound anywhere in a tree; `*` where a module's are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def python_lines(number: int, source: str) -> CellLines:
    """The lines of a cell with calls of `get_ipython()` instead of magics and shell commands.

    Their number does not change, nor do lines of Python, except for prompts and an indentation of the whole cell.

    Args:
        number: the cell's number.
        source: its text.
    """
    lines = CellLines(number, _without_prompts(source))
    remove_cell_magics(lines)
    lines.lines = _transformed(lines.lines)
    return lines


def _without_prompts(source: str) -> list[str]:
    from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt

    lines = [f"{line}\n" for line in source.split("\n")]
    prompted = any(line.lstrip().startswith((">>>", "In [")) for line in lines)
    cleaned: list[str] = ipython_prompt(classic_prompt(lines)) if prompted else lines
    return cleaned


def _transformed(lines: list[str]) -> list[str]:
    """The lines with calls of `get_ipython()` instead of magics; their number does not change."""
    from IPython.core.inputtransformer2 import TransformerManager

    manager: Any = TransformerManager()  # type: ignore[no-untyped-call]
    while True:
        changed, made = manager.do_one_token_transform(lines)
        if not changed:
            return lines
        at = next((n for n, (old, new) in enumerate(zip(lines, made, strict=False)) if old != new), len(made) - 1)
        lines = [*made[: at + 1], *["\n"] * (len(lines) - len(made)), *made[at + 1 :]]


def is_get_ipython(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return getattr(node.func, "id", getattr(node.func, "attr", "")) == "get_ipython"
