"""Cell magics (`%%name`): which keep their body as code, which write a file, and which are no Python at all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fairing_kfp.errors import PackError

_RUNS_BODY = {"time", "capture", "prun", "debug", "pyinstrument", "snakeviz", "wandb"}
"""Magics that run their body in the notebook's namespace."""

_WRITES = {"writefile", "file"}
_LINE = re.compile(r"(?P<indent>[ \t]*)%%(?P<magic>[^\s?%]+)(?P<rest>[^\n?]*)$")
_ASSIGNED = re.compile(r"--(?:out|err)[ =](\w+)")


@dataclass(frozen=True)
class LeftOut:
    """Something of a cell that is no Python.

    Attributes:
        cell: the cell's number.
        line: its line there, from 1.
        what: the magic or command, without its arguments.
        names: the variables that it would have set.
    """

    cell: int
    line: int
    what: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What it is called in messages."""
        return f"cell {self.cell}, line {self.line}: {self.what}"


@dataclass(frozen=True)
class Written:
    """A file that a cell writes by `%%writefile`.

    Attributes:
        left_out: where it stands.
        path: the file's path, as it is written there.
        text: its text.
        appends: whether it goes to the end of what is there.
    """

    left_out: LeftOut
    path: str
    text: str
    appends: bool


@dataclass
class Body:
    """A cell's lines on their way to Python; there are always as many as the cell has.

    Attributes:
        cell: the cell's number.
        lines: the lines, with their ends.
        left_out: what was taken out so far.
        written: the files that were found.
    """

    cell: int
    lines: list[str]
    left_out: list[LeftOut] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)


def take_out_cell_magics(body: Body) -> None:
    """Makes comments of cell magics, and nothing of the bodies that are not Python."""
    _dedent(body.lines, 0)
    at = 0
    while at < len(body.lines):
        found = _LINE.match(body.lines[at].rstrip("\n"))
        if found and _begins_statement(body.lines, at):
            _take_out(body, at, found)
        at += 1


def _take_out(body: Body, at: int, found: re.Match[str]) -> None:
    indent, magic, rest = found["indent"], found["magic"], found["rest"].strip()
    end = _end(body.lines, at, indent)
    runs_body = magic in _RUNS_BODY
    body.lines[at] = f"{indent}{'' if runs_body or not indent else 'pass  '}# left out: %%{magic}\n"
    names = _ASSIGNED.findall(rest)
    if magic == "capture":
        names = [word for word in rest.split() if not word.startswith("-")]
    left_out = LeftOut(body.cell, at + 1, f"%%{magic}", tuple(names))
    if runs_body:
        body.left_out.extend([left_out] if names else [])
        _dedent(body.lines, at + 1, len(indent))
        return
    if magic in _WRITES:
        body.written.append(_written(left_out, rest, body.lines[at + 1 : end]))
    body.left_out.append(left_out)
    body.lines[at + 1 : end] = ["\n"] * (end - at - 1)


def _written(left_out: LeftOut, rest: str, lines: Iterable[str]) -> Written:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = []
    names = [word for word in words if not word.startswith("-")]
    text = "".join(lines)
    return Written(left_out, names[0] if len(names) == 1 else rest, text, bool({"-a", "--append"} & set(words)))


def _end(lines: Sequence[str], at: int, indent: str) -> int:
    """The line after a magic's body: all that follows, within a block all that is indented as far."""
    if not indent:
        return len(lines)
    for number in range(at + 1, len(lines)):
        if lines[number].strip() and not lines[number].startswith(indent):
            return number
    return len(lines)


def _dedent(lines: list[str], at: int, depth: int = 0) -> None:
    """Takes from lines the indentation of the first of them, as IPython does; a block's own remains."""
    first = next((line for line in lines[at:] if line.strip()), "")
    extra = first[depth : len(first) - len(first.lstrip(" \t"))]
    if extra and not depth:
        lines[at:] = [line.removeprefix(extra) for line in lines[at:]]


def _begins_statement(lines: Sequence[str], at: int) -> bool:
    """Whether a line begins a statement, and is no part of a string or an expression."""
    if all(not line.strip() or line.lstrip().startswith("#") for line in lines[:at]):
        return True
    from IPython.core.inputtransformer2 import make_tokens_by_line

    for tokens in make_tokens_by_line([*lines[: at + 1]]):
        first = next((token for token in tokens if token.string.strip()), None)
        if first is not None and first.start[0] == at + 1:
            return True
    return False


def file_of(written: Written, notebook: str) -> str:
    """The path of a written file below the notebook's folder.

    Raises:
        PackError: it is not below it, or known only when the notebook runs.
    """
    parts = written.path.split("/")
    if not re.fullmatch(r"[^\\{}$~*?\s]+", written.path) or ".." in parts or "" in parts:
        raise PackError(
            f"{notebook}, {written.left_out} names the file {written.path!r}, which is not plainly below its folder",
            "write it as a relative path, or choose cells without it by tags=",
        )
    return "/".join(part for part in parts if part != ".")
