"""A notebook → a script that computes the same, and the files that it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.arguments.reader_code import READERS, Option, reader_code
from fairing_kfp.preprocess.modules.imports import imports_in
from fairing_kfp.preprocess.notebooks.cells import SHELL, PythonCell, python_cells
from fairing_kfp.preprocess.notebooks.document import PARAMETERS, Notebook
from fairing_kfp.preprocess.notebooks.entry import Entry, read_entry
from fairing_kfp.preprocess.notebooks.magics import Omission, WrittenFile, relative_path
from fairing_kfp.preprocess.notebooks.names import check_names
from fairing_kfp.preprocess.notebooks.parameters import Parameter, read_parameters
from fairing_kfp.preprocess.notebooks.parsed import bound_names

STAND_IN = "jupyter_stand_in"
"""Module that replaces IPython where it is not installed."""
SHELL_MODULE = "jupyter_shell"
"""Module that runs shell commands."""

_PLOTS = {"matplotlib", "pylab", "seaborn"}
_KEEPS_FIGURES = re.compile(
    r"^\s*%(?:matplotlib[ \t]+(?!inline\b|-)\w|config[ \t]+InlineBackend\.close_figures[ \t]*=[ \t]*False)",
    re.MULTILINE,
)
"""Lines after which a notebook does not close figures."""
_CLOSE_FIGURES = '''def _close_figures():
    """Closes the figures of a cell after it, as notebooks do."""
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
'''

_HINTS = {
    "%pip": "packages=",
    "%conda": "packages=",
    "!pip": "packages=",
    "!conda": "packages=",
    "!apt-get": "base_image=",
    "!apt": "base_image=",
    "%env": "env=",
    "%set_env": "env=",
    "%%writefile": "writefile=True",
    "%cd": "paths relative to the notebook",
    "%run": "an import of the file",
    "%pylab": "from pylab import *",
}
"""Alternatives to magics and shell commands."""


@dataclass(frozen=True)
class NotebookScript:
    """The script of a notebook.

    Attributes:
        name: the script's file name.
        text: its text.
        files: files next to it: those that its cells write, and modules of ours that it needs.
        parameters: its options, passed as `--name value`; lists, dicts and bools as JSON.
        omissions: code that is left out.
        packages: requirements that it adds.
    """

    name: str
    text: str
    files: Mapping[str, bytes]
    parameters: tuple[Parameter, ...]
    omissions: tuple[Omission, ...]
    packages: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A warning that lists the code that is left out; empty if there is none."""
        if not self.omissions:
            return ()
        listed = [f"{it} (use {_HINTS[it.what]})" if it.what in _HINTS else str(it) for it in self.omissions]
        return (f"{self.name.removesuffix('.py')}: left out, since it is not Python: {'; '.join(listed)}",)


def notebook_script(
    notebook: Notebook,
    *,
    tags: Collection[str] = (),
    writefile: bool = False,
    shell: bool = False,
    class_name: str | None = None,
    method: str | None = None,
    arguments: Mapping[str, type] | None = None,
) -> NotebookScript:
    """Makes a script from a notebook. The same cells give the same text.

    Args:
        notebook: the notebook.
        tags: selects cells, see `Notebook.select`.
        writefile: whether files that cells write with `%%writefile` are included.
        shell: whether shell commands are run where they stand, except those that install packages.
        class_name: a class of the notebook that the script runs with fire after the cells.
        method: the method to run; by default the only one, or `train`.
        arguments: further variables that a run must set, with their types. They replace parameters of the same name.

    Raises:
        PackError: a cell is not valid Python, or needs code that is left out.
    """
    cells = python_cells(notebook.select(tags), notebook.name, shell=shell, python_2=notebook.is_python_2)
    omissions = tuple(it for cell in cells for it in cell.omissions)
    files = _written_files(cells, notebook.name) if writefile else {}
    if writefile:
        omissions = tuple(it for it in omissions if it not in {file.omission for cell in cells for file in cell.files})
    check_names(cells, omissions, notebook.name, "" if shell else "run the command in the step (shell=True), ")
    trees = [cell.tree for cell in cells]
    entry = read_entry(trees, class_name, method, notebook.name) if class_name else None
    parameters = _parameters(cells, entry, arguments or {})
    text = _text(notebook, cells, parameters, entry)
    name = f"{notebook.name}.py"
    for module in (STAND_IN, SHELL_MODULE):
        if f"import {module}" in text:
            files[f"{module}.py"] = _runtime_module(module)
    if any(cell.awaits for cell in cells):
        inner = f"{notebook.path.stem}_cells.py"
        files[inner] = text.encode()
        text = _AWAITING.format(notebook=notebook.name, inner=inner)
    packages = ("fire>=0.7,<1",) if entry else ()
    return NotebookScript(name, text, dict(sorted(files.items())), parameters, omissions, packages)


_AWAITING = '''"""Runs {inner}, whose cells await outside of functions, as they may in {notebook}."""

import ast
import asyncio
import pathlib

_path = pathlib.Path(__file__).with_name("{inner}")
_code = compile(_path.read_bytes(), str(_path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def _run():
    await eval(_code, globals())


asyncio.run(_run())
'''


def _text(notebook: Notebook, cells: Sequence[PythonCell], parameters: Sequence[Parameter], entry: Entry | None) -> str:
    futures = sorted({name for cell in cells for name in cell.futures})
    parts = [f'"""The code of {_shown(notebook.name)}."""\n']
    if futures:
        parts.append(f"from __future__ import {', '.join(futures)}\n")
    parts.append(_prologue(cells))
    closes = _closes_figures(cells)
    if closes:
        parts.append(_CLOSE_FIGURES)
    reader = _argument_reader(parameters, are_variables=entry is None)
    at = _parameters_position(cells) if entry is None else len(cells)
    for number, cell in enumerate(cells):
        if number == at:
            parts.append(reader)
        parts.append(f"# %% cell {cell.cell.number}\n{cell.text.strip()}\n")
        if closes:
            parts.append("_close_figures()\n")
    if at == len(cells):
        parts.append(reader)
    if entry:
        parts.append(entry.call())
    return "\n".join(filter(None, parts))


def _shown(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', "'")


def _parameters_position(cells: Sequence[PythonCell]) -> int:
    """The number of cells before the code that sets variables from the command line."""
    return next((n + 1 for n, cell in enumerate(cells) if PARAMETERS in cell.cell.tags), 0)


def _parameters(
    cells: Sequence[PythonCell], entry: Entry | None, arguments: Mapping[str, type]
) -> tuple[Parameter, ...]:
    found: dict[str, Parameter] = {}
    if entry:
        found = {parameter.name: parameter for parameter in entry.parameters}
    else:
        for cell in cells:
            if PARAMETERS in cell.cell.tags:
                found = {parameter.name: parameter for parameter in read_parameters(cell.text)}
                break
    for name, typed in arguments.items():
        found[name] = Parameter(name, typed, required=True)
    return tuple(found.values())


def _argument_reader(parameters: Sequence[Parameter], are_variables: bool) -> str:
    """The code that reads the command line, and sets variables as papermill's injected cell does."""
    options = [Option(one.name, READERS[one.type], one.required, one.help) for one in parameters]
    code = reader_code(options, "globals().update(_given)" if are_variables else "")
    return code and f"# %% parameters, as they are given\n{code}"


def _prologue(cells: Sequence[PythonCell]) -> str:
    """The code that replaces IPython and its shell, if the cells use them."""
    lines = [f"import {SHELL_MODULE} as {SHELL}"] if any(cell.runs_shell for cell in cells) else []
    bound = {name for cell in cells for name in bound_names(cell.tree)}
    used = {node.id for node in _nodes(cells) if isinstance(node, ast.Name)}
    free = [name for name in ("display", "get_ipython") if name in used and name not in bound]
    imports = any(one.module.partition(".")[0] == "IPython" for cell in cells for one in imports_in(cell.tree))
    if not free and not imports:
        return "\n".join([*lines, ""]) if lines else ""
    homes = {"display": "IPython.display", "get_ipython": "IPython"}
    lines += [f"import {STAND_IN}  # where there is no IPython"]
    return "\n".join([*lines, *(f"from {homes[name]} import {name}" for name in free), ""])


def _closes_figures(cells: Sequence[PythonCell]) -> bool:
    """Whether figures can be open after a cell that a notebook would close."""
    if any(_KEEPS_FIGURES.search(cell.cell.source) for cell in cells):
        return False
    imported = {one.module.partition(".")[0] for cell in cells for one in imports_in(cell.tree)}
    return bool(imported & _PLOTS) or any(it.what == "%matplotlib" for cell in cells for it in cell.omissions)


def _nodes(cells: Iterable[PythonCell]) -> Iterator[ast.AST]:
    return (node for cell in cells for node in ast.walk(cell.tree))


def _written_files(cells: Sequence[PythonCell], notebook: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for file in (one for cell in cells for one in cell.files):
        path = relative_path(file, notebook)
        if file.appends and path not in files:
            raise _nothing_to_append_to(file, notebook)
        files[path] = (files[path] if file.appends else b"") + file.text.encode()
    return files


def _nothing_to_append_to(file: WrittenFile, notebook: str) -> PackError:
    return PackError(
        f"{notebook}, {file.omission} appends to {file.path}, which no cell before it writes",
        "write the whole file in one cell, or keep it next to the notebook and add it to include=",
    )


def _runtime_module(name: str) -> bytes:
    return (Path(__file__).parent.parent.parent / "runtime" / f"{name}.py").read_bytes()
