"""A notebook's functions and classes for the file that makes components of them.

    notebook = fairing_kfp.load_notebook("train.ipynb")
    train = fairing_component(packages=["scikit-learn==1.7.*"])(notebook.train)

What a step needs of it is pickled by value, as that of a notebook which is being worked in.
"""

from __future__ import annotations
import __future__

import ast
import linecache
import re
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from fairing_kfp.errors import FairingError, PackError
from fairing_kfp.preprocess.cells import parse, strip
from fairing_kfp.preprocess.notebook import Cell, Notebook, read_notebook
from fairing_kfp.preprocess.notebook_definitions import definitions
from fairing_kfp.preprocess.notebook_script import check_names


def load_notebook(path: str | Path, *, tags: Sequence[str] = ()) -> types.ModuleType:
    """Gives what a notebook defines as a module: imports, functions, classes and constants; nothing else of it is run.

    With tags, and where the notebook marks cells by `fairing:include-cell`, the chosen cells are run as they are.

    Args:
        path: the notebook; a relative path begins at the file that calls.
        tags: the cells to run.

    Raises:
        PackError: it cannot be read, a cell is no valid Python, or what it defines fails without its other cells.
    """
    caller = sys._getframe(1).f_globals.get("__file__")
    start = Path(caller).absolute().parent if isinstance(caller, str) else Path.cwd()
    notebook = read_notebook((start / path).resolve())
    module = types.ModuleType(_module_name(notebook.path))
    _loaded[module.__name__] = notebook.path
    module.__doc__ = f"What {notebook.name} defines."
    folder = str(notebook.path.parent)
    if folder not in sys.path:  # where the notebook's own imports are found when it is worked in
        sys.path.append(folder)
    sys.modules[module.__name__] = module
    try:
        _run(notebook, tags, module)
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


_loaded: dict[str, Path] = {}
"""The notebooks by the names of their modules."""


def _module_name(path: Path) -> str:
    """A name that no module of the user's has, nor another notebook: of several of one name all but the first have a
    number.
    """
    name = stem = f"notebook_{re.sub(r'[^0-9a-zA-Z]+', '_', path.stem)}"
    number = 1
    while _loaded.get(name, path) != path:
        number += 1
        name = f"{stem}_{number}"
    return name


def _run(notebook: Notebook, tags: Sequence[str], module: types.ModuleType) -> None:
    cells = [parse(cell, notebook.name) for cell in notebook.chosen(tags)]
    shells = frozenset[str]().union(*(cell.shells for cell in cells))
    stripped = [strip(cell, shells, notebook.name) for cell in cells]
    trees = [ast.parse(cell.text) for cell in stripped]
    statements = [statement for tree in trees for statement in tree.body]
    if tags or notebook.is_marked:
        check_names(trees, [it for cell in stripped for it in cell.left_out], notebook.name)
        if any(cell.awaits for cell in cells):
            raise PackError(f"a chosen cell of {notebook.name} awaits outside of functions", "choose others by tags=")
    else:
        statements = definitions(statements)
    file = str(notebook.path)
    _number(trees, [cell.text for cell in stripped], file)
    flags = 0
    for future in (future for cell in stripped for future in cell.futures):
        flags |= getattr(__future__, future).compiler_flag
    kept = set(map(id, statements))
    for cell, tree in zip(cells, trees, strict=True):
        tree.body = [statement for statement in tree.body if id(statement) in kept]
        _execute(compile(tree, file, "exec", flags, dont_inherit=True), module, notebook, cell.cell)


def _number(trees: Sequence[ast.Module], texts: Sequence[str], file: str) -> None:
    """Makes one text of all cells, so that tracebacks and `inspect.getsource` find it under the notebook's path."""
    lines: list[str] = []
    for tree, text in zip(trees, texts, strict=True):
        ast.increment_lineno(tree, len(lines))
        lines += [f"{line}\n" for line in [*text.rstrip().split("\n"), ""]]
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _execute(code: types.CodeType, module: types.ModuleType, notebook: Notebook, cell: Cell) -> None:
    try:
        exec(code, vars(module))  # noqa: S102 - the notebook is the author's own
    except FairingError:
        raise
    except Exception as error:  # whatever the author's code raises
        raise PackError(
            f"{notebook.name}, cell {cell.number}: what it defines fails on its own: {type(error).__name__}: {error}",
            "give it what it needs as a constant or a parameter, or choose by tags= all cells that it needs",
        ) from error
