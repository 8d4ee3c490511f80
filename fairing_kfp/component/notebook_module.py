"""Functions and classes of a notebook, as a module from which components are made.

    notebook = fairing_kfp.load_notebook("train.ipynb")
    train = fairing_component(packages=["scikit-learn==1.7.*"])(notebook.train)

Steps pickle its objects by value, like those of a running notebook.
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

from fairing_kfp.component.caller import find_caller
from fairing_kfp.errors import FairingError, PackError
from fairing_kfp.preprocess.kfp_errors import decorated_pipeline, describe_pipeline_error
from fairing_kfp.preprocess.notebooks.cells import PythonCell, python_cells
from fairing_kfp.preprocess.notebooks.definitions import definitions
from fairing_kfp.preprocess.notebooks.document import Cell, Notebook, read_notebook
from fairing_kfp.preprocess.notebooks.names import check_names


def load_notebook(path: str | Path, *, tags: Sequence[str] = ()) -> types.ModuleType:
    """Loads the definitions of a notebook as a module: imports, functions, classes and constants.

    Other statements do not run, unless cells are selected with tags or with Fairing's `fairing:include-cell`: selected
    cells run in full.

    Args:
        path: the notebook, relative to the calling file.
        tags: selects the cells that have any of these tags.

    Raises:
        PackError: the notebook cannot be read, a cell is not valid Python, or a definition fails.
    """
    notebook = read_notebook((find_caller().folder / path).resolve())
    module = types.ModuleType(_module_name(notebook.path))
    _loaded[module.__name__] = notebook.path
    module.__doc__ = f"The definitions of {notebook.name}."
    folder = str(notebook.path.parent)
    if folder not in sys.path:  # where a kernel finds the notebook's own modules
        sys.path.append(folder)
    sys.modules[module.__name__] = module
    try:
        _run(notebook, tags, module)
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


_loaded: dict[str, Path] = {}
"""Paths of notebooks by the names of their modules."""


def _module_name(path: Path) -> str:
    """A name unlike that of the user's modules; further notebooks with the same file name get a number."""
    name = stem = f"notebook_{re.sub(r'[^0-9a-zA-Z]+', '_', path.stem)}"
    number = 1
    while _loaded.get(name, path) != path:
        number += 1
        name = f"{stem}_{number}"
    return name


def _run(notebook: Notebook, tags: Sequence[str], module: types.ModuleType) -> None:
    cells = python_cells(notebook.select(tags), notebook.name, python_2=notebook.is_python_2)
    statements = [statement for cell in cells for statement in cell.tree.body]
    if tags or notebook.uses_include:
        check_names(cells, (it for cell in cells for it in cell.omissions), notebook.name)
        if any(cell.awaits for cell in cells):
            raise PackError(
                f"a selected cell of {notebook.name} uses await outside of functions", "select other cells with tags="
            )
    else:
        statements = definitions(statements)
    file = str(notebook.path)
    _number(cells, file)
    flags = 0
    for future in (future for cell in cells for future in cell.futures):
        flags |= getattr(__future__, future).compiler_flag
    kept = set(map(id, statements))
    for cell in cells:
        cell.tree.body = [statement for statement in cell.tree.body if id(statement) in kept]
        _execute(compile(cell.tree, file, "exec", flags, dont_inherit=True), module, notebook, cell.cell)


def _number(cells: Sequence[PythonCell], file: str) -> None:
    """Joins the cells into one text in `linecache`, where tracebacks and `inspect.getsource` find it by path."""
    lines: list[str] = []
    for cell in cells:
        ast.increment_lineno(cell.tree, len(lines))
        lines += [f"{line}\n" for line in [*cell.text.rstrip().split("\n"), ""]]
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _execute(code: types.CodeType, module: types.ModuleType, notebook: Notebook, cell: Cell) -> None:
    try:
        exec(code, vars(module))  # noqa: S102 - the author's own notebook
    except FairingError:
        raise
    except Exception as error:  # of the author's code
        pipeline = decorated_pipeline(error)
        found = describe_pipeline_error(error, pipeline) if pipeline else None
        message, remedy = found or (
            f"a definition fails: {type(error).__name__}: {error}",
            "make it depend on constants and parameters only; or let the cells that it needs run: select them with "
            "tags=, or begin them with `# fairing:include-cell`",
        )
        raise PackError(f"{notebook.name}, cell {cell.number}: {message}", remedy) from error
