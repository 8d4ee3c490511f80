"""A notebook's cell → Python.

IPython's own transformer turns magics, shell lines and help into calls of `get_ipython()`; these are then taken out
of the syntax tree, so that strings, f-strings and continued lines are left as they are.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.cell_magics import Body, LeftOut, Written, take_out_cell_magics
from fairing_kfp.preprocess.notebook import Cell

_TIMED = re.compile(r"(?:-[rq]\s+|-[DlsT]\s*\S+\s+|--no-raise-error\s+)*")
_RUNS_CODE = {"time", "prun"}
"""Line magics that run their code in the notebook's namespace."""

_SHELL = {"system", "getoutput", "getoutput_pexpect", "system_raw", "system_piped"}


@dataclass(frozen=True)
class Parsed:
    """A cell that Python can parse; calls of `get_ipython()` stand for what is no Python.

    Attributes:
        cell: the cell.
        text: its text, line for line that of the cell.
        tree: its syntax.
        awaits: whether it awaits outside of functions.
        left_out: what was taken out already.
        written: the files that it writes.
    """

    cell: Cell
    text: str
    tree: ast.Module
    awaits: bool
    left_out: tuple[LeftOut, ...]
    written: tuple[Written, ...]

    @property
    def shells(self) -> frozenset[str]:
        """The variables that hold IPython's shell."""
        return frozenset(
            target.id
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Assign, ast.NamedExpr)) and _is_get_ipython(node.value)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        )


@dataclass(frozen=True)
class Stripped:
    """A cell's Python.

    Attributes:
        text: its text.
        left_out: what was taken out of it.
        futures: the names that it imports from `__future__`, which was taken out too.
    """

    text: str
    left_out: tuple[LeftOut, ...]
    futures: tuple[str, ...]


@dataclass(frozen=True)
class _Edit:
    node: ast.stmt | ast.expr
    text: str


def parse(cell: Cell, notebook: str) -> Parsed:
    """Parses a cell.

    Args:
        cell: the cell.
        notebook: the notebook's name, for messages.

    Raises:
        PackError: it is no valid Python, nor magic.
    """
    body = Body(cell.number, _without_prompts(cell.source))
    take_out_cell_magics(body)
    text = "".join(_transformed(body.lines))
    try:
        code = compile(text, notebook, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise PackError(
            f"{notebook}, cell {cell.number}, line {line}: {getattr(error, 'msg', error)}",
            "mend the cell, or tag it `skip`",
        ) from error
    awaits = bool(code.co_flags & inspect.CO_COROUTINE)
    return Parsed(cell, text, tree, awaits, tuple(body.left_out), tuple(body.written))


def _without_prompts(source: str) -> list[str]:
    from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt

    lines = [f"{line}\n" for line in source.split("\n")]
    prompted = any(line.lstrip().startswith((">>>", "In [")) for line in lines)
    cleaned: list[str] = ipython_prompt(classic_prompt(lines)) if prompted else lines
    return cleaned


def _transformed(lines: list[str]) -> list[str]:
    """The lines, with calls of `get_ipython()` for what is no Python; there are as many as before."""
    from IPython.core.inputtransformer2 import TransformerManager

    manager: Any = TransformerManager()  # type: ignore[no-untyped-call]
    while True:
        changed, made = manager.do_one_token_transform(lines)
        if not changed:
            return lines
        at = next((n for n, (old, new) in enumerate(zip(lines, made, strict=False)) if old != new), len(made) - 1)
        lines = [*made[: at + 1], *["\n"] * (len(lines) - len(made)), *made[at + 1 :]]


def strip(parsed: Parsed, shells: Collection[str], notebook: str) -> Stripped:
    """Takes out what is no Python.

    Args:
        parsed: the cell.
        shells: the variables of the notebook that hold IPython's shell.
        notebook: its name, for messages.

    Raises:
        PackError: what is no Python governs a block, so that it cannot be taken out.
    """
    stripping = _Stripping(parsed, shells, notebook)
    edits = list(stripping.edits(parsed.tree.body, is_top=True))
    left_out = sorted((*parsed.left_out, *stripping.left_out), key=lambda it: it.line)
    return Stripped(_edited(parsed.text, edits), tuple(left_out), tuple(stripping.futures))


class _Stripping:
    def __init__(self, parsed: Parsed, shells: Collection[str], notebook: str) -> None:
        self.parsed, self.shells, self.notebook = parsed, shells, notebook
        self.left_out: list[LeftOut] = []
        self.futures: list[str] = []

    def edits(self, body: list[ast.stmt], is_top: bool = False) -> Iterator[_Edit]:
        for statement in body:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                self.futures += [alias.name for alias in statement.names]
                yield _Edit(statement, "pass")
                continue
            uses = [node for node in _own_nodes(statement) if self._is_use(node)]
            blocks = list(_blocks(statement))
            if not uses:
                for block in blocks:
                    yield from self.edits(block)
            elif kept := _kept_code(statement, uses):
                yield kept
            elif blocks:
                raise PackError(
                    f"{self.notebook}, cell {self.parsed.cell.number}, line {statement.lineno}: a block depends on "
                    f"{self._what(uses[0])}, which is no Python",
                    "write it in Python, or tag the cell `skip`",
                )
            else:
                yield self._drop(statement, uses[0], is_top)

    def _drop(self, statement: ast.stmt, use: ast.AST, is_top: bool) -> _Edit:
        what = self._what(use)
        names = tuple(n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        self.left_out.append(LeftOut(self.parsed.cell.number, statement.lineno, what, names))
        lines = self.parsed.text.split("\n")[statement.lineno - 1 : statement.end_lineno]
        is_alone = "".join(lines).strip() == (ast.get_source_segment(self.parsed.text, statement) or "").strip()
        comment = f"# left out: {what}" if is_alone else ""
        return _Edit(statement, comment if is_top and comment else f"pass  {comment}".strip())

    def _is_use(self, node: ast.AST) -> bool:
        """Whether something is asked of IPython's shell: a call of one of its methods, or an attribute that is set."""
        if isinstance(node, ast.Attribute):
            return isinstance(node.ctx, (ast.Store, ast.Del)) and self._is_of_shell(node)
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and self._is_of_shell(node.func)

    def _is_of_shell(self, node: ast.expr) -> bool:
        depth = 0
        while isinstance(node, ast.Attribute):
            if node.attr.startswith("__"):  # `get_ipython().__class__` is asked where there may be no shell
                return False
            node, depth = node.value, depth + 1
        is_variable = isinstance(node, ast.Name) and node.id in self.shells
        return bool(depth) and (is_variable or _is_get_ipython(node))

    @staticmethod
    def _what(use: ast.AST) -> str:
        """The magic or the command that a call stands for, without arguments, which may hold what is secret."""
        if not (isinstance(use, ast.Call) and isinstance(use.func, ast.Attribute)):
            return "get_ipython()"
        method = use.func.attr
        first = use.args[0].value if use.args and isinstance(use.args[0], ast.Constant) else None
        word = re.match(r"\s*([\w./-]+)(?:\s|$)", first) if isinstance(first, str) else None
        if method in _SHELL:
            return f"!{word[1]}" if word else "a shell line"
        if method in {"run_line_magic", "magic", "run_cell_magic"} and isinstance(first, str):
            percent = "%%" if method == "run_cell_magic" else "%"
            if first in {"pinfo", "pinfo2", "psearch"}:
                return "?"
            return f"{percent}{first.split()[0]}" if first.split() else percent
        return f"get_ipython().{method}"


def _is_get_ipython(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return getattr(node.func, "id", getattr(node.func, "attr", "")) == "get_ipython"


def _kept_code(statement: ast.stmt, uses: list[ast.AST]) -> _Edit | None:
    """What remains of a statement that a magic runs in the notebook's namespace: `%time x = f()`, `x = %time f()`."""
    use = uses[0]
    if not (len(uses) == 1 and isinstance(statement, (ast.Expr, ast.Assign)) and statement.value is use):
        return None
    assert isinstance(use, ast.Call)  # noqa: S101 - a value is no attribute that is set
    values = [getattr(argument, "value", None) for argument in use.args]
    if getattr(use.func, "attr", "") != "run_line_magic" or len(values) != 2 or values[0] not in _RUNS_CODE:
        return None
    code = str(values[1])
    code = code[_TIMED.match(code).end() :].strip()  # type: ignore[union-attr]  # it matches nothing at least
    try:
        ast.parse(code, mode="eval" if isinstance(statement, ast.Assign) else "exec")
    except (SyntaxError, ValueError):
        return None
    return _Edit(use, code) if code else None


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement."""
    for owner in (statement, *getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        for name in ("body", "orelse", "finalbody"):
            if block := getattr(owner, name, None):
                yield block


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """What belongs to a statement and to none that it contains."""
    pending = list(ast.iter_child_nodes(statement))
    while pending:
        node = pending.pop(0)
        if not isinstance(node, ast.stmt):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _edited(text: str, edits: list[_Edit]) -> str:
    """A text with some of its parts replaced. Syntax trees count columns in bytes."""
    lines = text.encode().splitlines(keepends=True)
    for edit in sorted(edits, key=lambda it: (it.node.lineno, it.node.col_offset), reverse=True):
        first, last = edit.node.lineno - 1, (edit.node.end_lineno or edit.node.lineno) - 1
        before, after = lines[first][: edit.node.col_offset], lines[last][edit.node.end_col_offset :]
        lines[first : last + 1] = [before + edit.text.encode() + after]
    return b"".join(lines).decode()
