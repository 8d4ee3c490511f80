"""What shells complete beside commands and options. Files are parsed, never imported."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

_RUNS = "local_outputs"
_CODE = (".py", ".ipynb")
_Definition = TypeVar("_Definition", ast.FunctionDef, ast.ClassDef)


def pipelines(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Python files and notebooks; after `FILE:` the pipelines of the file."""
    return _files(incomplete, _CODE, ast.FunctionDef, "pipeline")


def predictors(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Python files and notebooks; after `FILE:` the predictors of the file."""
    return _files(incomplete, _CODE, ast.ClassDef, "fairing_component")


def compared(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Compiled pipelines, Python files and notebooks; after `FILE:` the pipelines of the file."""
    return _files(incomplete, (*_CODE, ".yaml", ".yml"), ast.FunctionDef, "pipeline")


def parameters(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """`NAME=` for each parameter of the pipeline on the command line."""
    file, _, name = _argument(context).partition(":")
    found = [one.args for one in _defined(file, ast.FunctionDef, "pipeline") if name in ("", one.name)]
    names = {one.arg for its in found for one in (*its.posonlyargs, *its.args, *its.kwonlyargs)}
    return [CompletionItem(f"{one}=") for one in sorted(names) if one.startswith(incomplete)]


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Folders of local runs, the latest first."""
    folders = [one.parent for one in Path(_RUNS).glob("*/run.jsonl")]
    latest = sorted(folders, key=lambda one: one.stat().st_mtime, reverse=True)
    found = [CompletionItem(one.as_posix()) for one in latest if one.as_posix().startswith(incomplete)]
    return [CompletionItem(incomplete, type="dir"), *found]


def tasks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Tasks of the local run on the command line."""
    try:
        lines = Path(_argument(context), "run.jsonl").read_text("utf-8").splitlines()
        names = [json.loads(line)["path"][-1] for line in lines[1:]]
    except (OSError, ValueError, KeyError, IndexError):
        return []
    return [CompletionItem(one) for one in dict.fromkeys(names) if one.startswith(incomplete)]


def _argument(context: click.Context) -> str:
    """The first argument on the command line: click does not parse one whose last option lacks its value."""
    return next((one for one in context.args if not one.startswith("-")), "")


def _files(
    incomplete: str, suffixes: tuple[str, ...], kind: type[_Definition], decorator: str
) -> list[CompletionItem[Any]]:
    """Files, and folders; after `FILE:` what the file defines.

    Args:
        incomplete: what was typed.
        suffixes: suffixes of the files.
        kind: the kind of definitions.
        decorator: the name of their decorator.
    """
    file, colon, name = incomplete.rpartition(":")
    if colon:
        names = [one.name for one in _defined(file, kind, decorator) if one.name.startswith(name)]
        return [CompletionItem(f"{file}:{one}") for one in names]
    folder = incomplete[: incomplete.rfind("/") + 1]
    try:
        paths = [one for one in Path(folder).iterdir() if one.suffix in suffixes]
    except OSError:
        return []
    files: list[str] = [f"{folder}{one.name}" for one in sorted(paths)]
    return [
        CompletionItem(incomplete, type="dir"),
        *(CompletionItem(one) for one in files if one.startswith(incomplete)),
    ]


def _defined(file: str, kind: type[_Definition], decorator: str) -> Iterator[_Definition]:
    """The definitions of a Python file that have a decorator."""
    try:
        statements = ast.parse(Path(file).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return
    for statement in statements:
        if isinstance(statement, kind):
            used = [one.func if isinstance(one, ast.Call) else one for one in statement.decorator_list]
            if decorator in [getattr(one, "attr", getattr(one, "id", "")) for one in used]:
                yield statement
