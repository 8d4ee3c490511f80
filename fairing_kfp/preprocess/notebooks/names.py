"""Names that the cells of a notebook use, and that nothing sets once its magics are left out."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Sequence

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.notebooks.cells import PythonCell
from fairing_kfp.preprocess.notebooks.magics import Omission

_OF_THE_SHELL = {"In", "Out", "display", "exit", "get_ipython", "quit"}
_SETS_NOTHING = frozenset(
    re.findall(
        r"[\w!]+",
        "! HTML SVG alias alias_magic autocall automagic autoreload autosave bash bookmark cat cd cmd colors conda "
        "config cp debug dirs doctest_mode env file gui hist history html javascript js latex less load load_ext "
        "logoff logon logstart logstop lprun ls lsmagic magic mamba man markdown matplotlib memit micromamba mkdir "
        "more mprun mv notebook page pdb perl pip popd pprint precision prun psource pushd pwd pypy python python2 "
        "python3 quickref reload_ext reset rm rmdir ruby script set_env sh svg sx system tensorboard time timeit "
        "unload_ext uv watermark who who_ls whos writefile xmode",
    )
)
"""Magics that set no variables, whatever their arguments."""
_RUNS_CODE = re.compile(r"get_ipython\(\)\.(?:ex|push|run_\w+|safe_execfile\w*|enable_pylab)$")
_INSTEAD = {
    "%run": " (`from other import …` packs and runs the file)",
    "%pylab": " (`from pylab import *`)",
    "%store": " (a parameter or an input file has values of other notebooks)",
}


def check_names(cells: Sequence[PythonCell], omissions: Iterable[Omission], notebook: str, instead: str = "") -> None:
    """Rejects cells that use a variable set only by a magic or shell command.

    Args:
        cells: the cells.
        omissions: code that is left out of them.
        notebook: the notebook's name, for messages.
        instead: an alternative to setting in Python what a shell command sets.

    Raises:
        PackError: a cell uses such a variable.
    """
    left_out = tuple(omissions)
    futures = {name for cell in cells for name in cell.futures}
    scopes = [_scope(cell, with_annotations="annotations" not in futures) for cell in cells]
    known = {*dir(builtins), *_OF_THE_SHELL}.union(*(scope.bound for scope in scopes))
    set_by = {name: omission for omission in left_out for name in omission.names}
    unclear = () if any(scope.has_star for scope in scopes) else tuple(filter(_may_set_names, left_out))
    for cell, scope in zip(cells, scopes, strict=True):
        for name, line in scope.used.items():
            if name in known:
                continue
            if omission := set_by.get(name):
                alternative = instead if omission.what.startswith(("!", "a shell")) else ""
                raise PackError(
                    f"{notebook} uses the variable {name!r}, which {omission} sets, and that is left out",
                    f"set {name} in Python, {alternative}or use tags to leave out the cells that use it",
                )
            if unclear and not name.startswith("_"):
                earlier = [it for it in unclear if (it.cell, it.line) < (cell.cell.number, line)]
                omission = earlier[-1] if earlier else unclear[0]
                place = f"{notebook}, cell {cell.cell.number}, line {line}"
                raise PackError(
                    f"{place} uses {name!r}, which nothing sets: {omission} is left out",
                    f"set or import {name} in Python{_INSTEAD.get(omission.what, '')}, "
                    "or use tags to leave out the cells that use it",
                )


def _may_set_names(omission: Omission) -> bool:
    if omission.what.startswith("%"):
        return omission.what.lstrip("%") not in _SETS_NOTHING
    return bool(_RUNS_CODE.match(omission.what))


@dataclass(frozen=True)
class _Scope:
    """Global names of a cell: those that it binds, and by first line those that it uses."""

    bound: Collection[str]
    used: dict[str, int]
    has_star: bool


def _scope(cell: PythonCell, with_annotations: bool) -> _Scope:
    # which comprehensions bind outside of them; symbol tables from Python 3.12 on do not have these
    bound = {node.target.id for node in ast.walk(cell.tree) if isinstance(node, ast.NamedExpr)}
    used = set()
    for table in _tables(symtable.symtable(cell.text, "cell", "exec")):
        for symbol in table.get_symbols():
            if table.get_type() != "module" and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                bound.add(symbol.get_name())
            if symbol.is_referenced():
                used.add(symbol.get_name())
    skipped = {id(inner) for outer in _unchecked(cell.tree, with_annotations) for inner in ast.walk(outer)}
    lines: dict[str, int] = {}
    for node in ast.walk(cell.tree):
        if (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and id(node) not in skipped
            and node.id in used
        ):
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    has_star = any(isinstance(node, ast.alias) and node.name == "*" for node in ast.walk(cell.tree))
    return _Scope(bound, dict(sorted(lines.items(), key=lambda it: it[1])), has_star)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _unchecked(tree: ast.AST, with_annotations: bool) -> Iterator[ast.AST]:
    """Code that may use names which are not there: bodies of `try` that expect it, and annotations if not evaluated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_catches_name_errors, node.handlers)):
            yield from node.body
        elif not with_annotations:
            yield from filter(None, (getattr(node, "annotation", None), getattr(node, "returns", None)))


def _catches_name_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(getattr(one, "id", "") in ("NameError", "Exception", "BaseException") for one in caught)
