"""A cell of a notebook → Python.

IPython's transformer turns magics, shell commands and help into calls of `get_ipython()`. These are then removed by
means of the syntax tree, so that strings, f-strings and continued lines stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.notebooks.document import Cell
from fairing_kfp.preprocess.notebooks.magics import Omission, WrittenFile
from fairing_kfp.preprocess.notebooks.parsed import ParsedCell, is_future, is_get_ipython, parsed_cells

_TIMED = re.compile(r"(?:-[rq]\s+|-[DlsT]\s*\S+\s+|--no-raise-error\s+)*")
_RUNS_CODE = {"time", "prun"}
"""Line magics that run their code in the notebook's namespace."""

_SHELL = {"system", "getoutput", "getoutput_pexpect", "system_raw", "system_piped"}
_INSTALLS = {"!pip", "!pip3", "!conda", "!mamba", "!uv", "!apt", "!apt-get", "!sudo"}
"""Commands that change the image, which is complete when the step starts."""
SHELL = "_shell"
"""The module that runs shell commands in a script."""


@dataclass(frozen=True)
class PythonCell:
    """The Python of a cell.

    Attributes:
        cell: the cell.
        text: its Python, line for line that of the cell.
        tree: the syntax tree of the text.
        awaits: whether it uses `await` outside of functions.
        omissions: code that is left out.
        files: files that it writes with `%%writefile`.
        futures: names that it imports from `__future__`; the import is left out, too.
        runs_shell: whether it runs shell commands, by the module `SHELL`.
    """

    cell: Cell
    text: str
    tree: ast.Module
    awaits: bool
    omissions: tuple[Omission, ...]
    files: tuple[WrittenFile, ...]
    futures: tuple[str, ...]
    runs_shell: bool = False


def python_cells(
    cells: Sequence[Cell], notebook: str, *, shell: bool = False, python_2: bool = False
) -> tuple[PythonCell, ...]:
    """Removes magics, shell commands and help from the cells of a notebook.

    Args:
        cells: the cells.
        notebook: the notebook's name, for messages.
        shell: whether shell commands are run rather than left out, except those that install packages.
        python_2: whether the notebook's kernel is one of Python 2, for messages.

    Raises:
        PackError: a cell is not valid Python, or a block depends on code that is left out.
    """
    parsed = parsed_cells(cells, notebook, python_2=python_2)
    shells = frozenset[str]().union(*(cell.shells for cell in parsed))
    return tuple(_strip(cell, shells, notebook, shell) for cell in parsed)


@dataclass(frozen=True)
class _Edit:
    node: ast.stmt | ast.expr
    text: str


def _strip(parsed: ParsedCell, shells: Collection[str], notebook: str, shell: bool) -> PythonCell:
    """Leaves out all uses of IPython's shell.

    Args:
        parsed: the cell.
        shells: the notebook's variables that refer to the shell.
        notebook: the notebook's name, for messages.
        shell: whether shell commands are run.
    """
    remover = _Remover(parsed, shells, notebook, shell)
    edits = list(remover.edits(parsed.tree.body, is_top=True))
    text = _edited(parsed.text, edits)
    omissions = sorted((*parsed.omissions, *remover.omissions), key=lambda it: it.line)
    return PythonCell(
        parsed.cell,
        text,
        ast.parse(text),
        parsed.awaits,
        tuple(omissions),
        parsed.files,
        tuple(remover.futures),
        remover.runs_shell,
    )


class _Remover:
    def __init__(self, parsed: ParsedCell, shells: Collection[str], notebook: str, shell: bool) -> None:
        self.parsed, self.shells, self.notebook, self.shell = parsed, shells, notebook, shell
        self.runs_shell = False
        self.omissions: list[Omission] = []
        self.futures: list[str] = []

    def edits(self, body: list[ast.stmt], is_top: bool = False) -> Iterator[_Edit]:
        for statement in body:
            if is_future(statement):
                self.futures += [alias.name for alias in statement.names]
                yield _Edit(statement, "pass")
                continue
            uses = [node for node in _own_nodes(statement) if self._is_use(node)]
            blocks = list(_blocks(statement))
            if self.shell and uses and all(map(self._command, uses)):
                self.runs_shell = True
                yield from (_Edit(use, self._command(use)) for use in uses if isinstance(use, ast.Call))
                uses = []
            if not uses:
                for block in blocks:
                    yield from self.edits(block)
            elif kept := _kept_code(statement, uses):
                yield kept
            elif blocks:
                raise PackError(
                    f"{self.notebook}, cell {self.parsed.cell.number}, line {statement.lineno}: a block depends on "
                    f"{self._what(uses[0])}, which is not Python",
                    "rewrite it in Python, or tag the cell `skip`",
                )
            else:
                yield self._drop(statement, uses[0], is_top)

    def _drop(self, statement: ast.stmt, use: ast.AST, is_top: bool) -> _Edit:
        what = self._what(use)
        names = tuple(n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        self.omissions.append(Omission(self.parsed.cell.number, statement.lineno, what, names))
        lines = self.parsed.text.split("\n")[statement.lineno - 1 : statement.end_lineno]
        is_alone = "".join(lines).strip() == (ast.get_source_segment(self.parsed.text, statement) or "").strip()
        comment = f"# left out: {what}" if is_alone else ""
        return _Edit(statement, comment if is_top and comment else f"pass  {comment}".strip())

    def _command(self, use: Any) -> str:
        """The call that runs a shell command in a script; empty if it is none, or installs packages."""
        if not isinstance(use, ast.Call) or self._what(use) in _INSTALLS or len(use.args) != 1:
            return ""
        if any(self._is_use(inner) for inner in ast.walk(use.args[0])):
            return ""
        method = getattr(use.func, "attr", "")
        if method not in _SHELL:
            return ""
        name = "getoutput" if method.startswith("getoutput") else "system"
        return f"{SHELL}.{name}({ast.unparse(use.args[0])})"

    def _is_use(self, node: ast.AST) -> bool:
        """Whether a node uses IPython's shell: calls a method of it, or sets an attribute."""
        if isinstance(node, ast.Attribute):
            return isinstance(node.ctx, (ast.Store, ast.Del)) and self._is_of_shell(node)
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and self._is_of_shell(node.func)

    def _is_of_shell(self, node: ast.expr) -> bool:
        depth = 0
        while isinstance(node, ast.Attribute):
            if node.attr.startswith("__"):  # `get_ipython().__class__` tests whether there is a shell
                return False
            node, depth = node.value, depth + 1
        is_variable = isinstance(node, ast.Name) and node.id in self.shells
        return bool(depth) and (is_variable or is_get_ipython(node))

    @staticmethod
    def _what(use: ast.AST) -> str:
        """The magic or command of a call, without its arguments, which may contain credentials."""
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


def _kept_code(statement: ast.stmt, uses: list[ast.AST]) -> _Edit | None:
    """The code that a magic runs in the notebook's namespace: `%time x = f()`, `x = %time f()`."""
    use = uses[0]
    if not (len(uses) == 1 and isinstance(statement, (ast.Expr, ast.Assign)) and statement.value is use):
        return None
    assert isinstance(use, ast.Call)  # noqa: S101 - an attribute that is set is not a value
    values = [getattr(argument, "value", None) for argument in use.args]
    if getattr(use.func, "attr", "") != "run_line_magic" or len(values) != 2 or values[0] not in _RUNS_CODE:
        return None
    code = str(values[1])
    code = code[_TIMED.match(code).end() :].strip()  # type: ignore[union-attr]  # matches the empty string, too
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
    """The nodes of a statement, without those of statements in it."""
    pending = list(ast.iter_child_nodes(statement))
    while pending:
        node = pending.pop(0)
        if not isinstance(node, ast.stmt):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _edited(text: str, edits: list[_Edit]) -> str:
    """Applies edits to a text. Columns in syntax trees count bytes."""
    lines = text.encode().splitlines(keepends=True)
    for edit in sorted(edits, key=lambda it: (it.node.lineno, it.node.col_offset), reverse=True):
        first, last = edit.node.lineno - 1, (edit.node.end_lineno or edit.node.lineno) - 1
        before, after = lines[first][: edit.node.col_offset], lines[last][edit.node.end_col_offset :]
        lines[first : last + 1] = [before + edit.text.encode() + after]
    return b"".join(lines).decode()
