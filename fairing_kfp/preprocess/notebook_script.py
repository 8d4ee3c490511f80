"""A notebook → the text of a script that computes the same, and the files that it needs beside it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.cell_magics import LeftOut, Written, file_of
from fairing_kfp.preprocess.cells import Parsed, Stripped, parse, strip
from fairing_kfp.preprocess.notebook import PARAMETERS, Notebook
from fairing_kfp.preprocess.notebook_class import Entry, read_entry
from fairing_kfp.preprocess.notebook_parameters import Parameter, read_parameters

STAND_IN = "jupyter_stand_in"
"""The module beside the script that takes IPython's part where there is none."""

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
}
"""What to use instead."""

_READERS = {
    int: "int",
    float: "float",
    bool: "_json.loads",
    list: "_json.loads",
    dict: "_json.loads",
    str: "str",
}


@dataclass(frozen=True)
class NotebookScript:
    """What a notebook becomes as code.

    Attributes:
        name: the script's file name.
        text: its text.
        files: files beside it: those that its cells wrote, and what it needs of ours.
        parameters: what it takes on its command line as `--name value`; lists, dicts and bools are JSON.
        left_out: what was no Python.
        packages: requirements that it adds.
    """

    name: str
    text: str
    files: Mapping[str, bytes]
    parameters: tuple[Parameter, ...]
    left_out: tuple[LeftOut, ...]
    packages: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence that lists what was left out, or none."""
        if not self.left_out:
            return ()
        listed = [f"{it} (use {_HINTS[it.what]})" if it.what in _HINTS else str(it) for it in self.left_out]
        return (f"{self.name.removesuffix('.py')}: left out as no Python: {'; '.join(listed)}",)


def notebook_script(
    notebook: Notebook,
    *,
    tags: Collection[str] = (),
    writefile: bool = False,
    class_name: str | None = None,
    method: str | None = None,
    arguments: Mapping[str, type] | None = None,
) -> NotebookScript:
    """Makes a script of a notebook. The same cells give the same text.

    Args:
        notebook: the notebook.
        tags: the cells to take, see `Notebook.chosen`.
        writefile: whether files that cells write by `%%writefile` go beside the script.
        class_name: a class of the notebook that the script runs by fire in the end.
        method: its method, by default its only one or `train`.
        arguments: further variables that a run must set, and their types; they take the place of parameters of
            the same name.

    Raises:
        PackError: a cell is no valid Python, or needs what was left out.
    """
    cells = [parse(cell, notebook.name) for cell in notebook.chosen(tags)]
    shells = frozenset[str]().union(*(cell.shells for cell in cells))
    stripped = [strip(cell, shells, notebook.name) for cell in cells]
    left_out = tuple(it for cell in stripped for it in cell.left_out)
    files = _written(cells, notebook.name) if writefile else {}
    if writefile:
        left_out = tuple(it for it in left_out if it not in {w.left_out for cell in cells for w in cell.written})
    trees = [ast.parse(cell.text) for cell in stripped]
    check_names(trees, left_out, notebook.name)
    entry = read_entry(trees, class_name, method, notebook.name) if class_name else None
    parameters = _parameters(cells, stripped, entry, arguments or {})
    awaits = any(cell.awaits for cell in cells)
    text = _text(notebook, cells, stripped, trees, parameters, entry)
    name = f"{notebook.name}.py"
    if STAND_IN in text:
        files[f"{STAND_IN}.py"] = _stand_in()
    if awaits:
        inner = f"{notebook.path.stem}_cells.py"
        files[inner] = text.encode()
        text = _AWAITING.format(notebook=notebook.name, inner=inner)
    packages = ("fire>=0.7,<1",) if entry else ()
    return NotebookScript(name, text, dict(sorted(files.items())), parameters, left_out, packages)


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


def _text(
    notebook: Notebook,
    cells: Sequence[Parsed],
    stripped: Sequence[Stripped],
    trees: Sequence[ast.Module],
    parameters: Sequence[Parameter],
    entry: Entry | None,
) -> str:
    futures = sorted({name for cell in stripped for name in cell.futures})
    parts = [f'"""The code of {_shown(notebook.name)}."""\n']
    if futures:
        parts.append(f"from __future__ import {', '.join(futures)}\n")
    parts.append(_prologue(trees))
    given = _given(parameters, are_variables=entry is None)
    at = _place_of_parameters(cells) if entry is None else len(cells)
    for number, (cell, code) in enumerate(zip(cells, stripped, strict=True)):
        if number == at:
            parts.append(given)
        parts.append(f"# %% cell {cell.cell.number}\n{code.text.strip()}\n")
    if at == len(cells):
        parts.append(given)
    if entry:
        parts.append(entry.call())
    return "\n".join(filter(None, parts))


def _shown(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', "'")


def _place_of_parameters(cells: Sequence[Parsed]) -> int:
    """The number of the cell before which given values are set: after that of the parameters, else the first."""
    return next((n + 1 for n, cell in enumerate(cells) if PARAMETERS in cell.cell.tags), 0)


def _parameters(
    cells: Sequence[Parsed], stripped: Sequence[Stripped], entry: Entry | None, arguments: Mapping[str, type]
) -> tuple[Parameter, ...]:
    found: dict[str, Parameter] = {}
    if entry:
        found = {parameter.name: parameter for parameter in entry.parameters}
    else:
        for cell, code in zip(cells, stripped, strict=True):
            if PARAMETERS in cell.cell.tags:
                found = {parameter.name: parameter for parameter in read_parameters(code.text)}
                break
    for name, typed in arguments.items():
        found[name] = Parameter(name, typed, required=True)
    return tuple(found.values())


def _given(parameters: Sequence[Parameter], are_variables: bool) -> str:
    """The lines that read the command line; what it gives is set as papermill does by its injected cell."""
    if not parameters:
        return ""
    lines = ["# %% parameters, as they are given", "import argparse as _argparse"]
    if any(_READERS[parameter.type] == "_json.loads" for parameter in parameters):
        lines.append("import json as _json")
    lines += ["", "_parser = _argparse.ArgumentParser(argument_default=_argparse.SUPPRESS, allow_abbrev=False)"]
    for parameter in parameters:
        options = [f'"--{parameter.name}"', f"type={_READERS[parameter.type]}"]
        options += ["required=True"] if parameter.required else []
        options += [f"help={parameter.help.replace('%', '%%')!r}"] if parameter.help else []
        lines.append(f"_parser.add_argument({', '.join(options)})")
    lines.append("_given = vars(_parser.parse_args())")
    return "\n".join([*lines, *(["globals().update(_given)"] if are_variables else []), ""])


def _prologue(trees: Sequence[ast.Module]) -> str:
    """What takes IPython's part, where the cells use it."""
    bound = _bound(trees)
    used = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    free = [name for name in ("display", "get_ipython") if name in used and name not in bound]
    imports = any(module.partition(".")[0] == "IPython" for tree in trees for module in _imported(tree))
    if not free and not imports:
        return ""
    homes = {"display": "IPython.display", "get_ipython": "IPython"}
    lines = [f"import {STAND_IN}  # where there is no IPython"]
    return "\n".join([*lines, *(f"from {homes[name]} import {name}" for name in free), ""])


def _imported(tree: ast.Module) -> list[str]:
    return [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]


def _bound(trees: Sequence[ast.Module]) -> set[str]:
    """The names that code gives to something, anywhere in it."""
    names: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.alias):
                names.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                names.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                names.add(node.rest)
    return names


def check_names(trees: Sequence[ast.Module], left_out: Sequence[LeftOut], notebook: str) -> None:
    """Refuses code that uses a variable which only a magic or a shell line sets.

    Raises:
        PackError: it does.
    """
    lost = {name: it for it in left_out for name in it.names}
    for name in lost.keys() - _bound(trees) - set(dir(builtins)):
        if any(isinstance(node, ast.Name) and node.id == name for tree in trees for node in ast.walk(tree)):
            raise PackError(
                f"{notebook} uses {name!r}, which {lost[name]} sets, and that is no Python",
                f"set {name} in Python, or leave out by tags the cells that use it",
            )


def _written(cells: Sequence[Parsed], notebook: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for written in (one for cell in cells for one in cell.written):
        path = file_of(written, notebook)
        if written.appends and path not in files:
            raise _nothing_to_append_to(written, notebook)
        files[path] = (files[path] if written.appends else b"") + written.text.encode()
    return files


def _nothing_to_append_to(written: Written, notebook: str) -> PackError:
    return PackError(
        f"{notebook}, {written.left_out} appends to {written.path}, which no cell before it writes",
        "write the whole file in one cell, or keep it beside the notebook and name it in include=",
    )


def _stand_in() -> bytes:
    return (Path(__file__).parent.parent / "runtime" / f"{STAND_IN}.py").read_bytes()
