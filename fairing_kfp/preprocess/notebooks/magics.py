"""Cell magics (`%%name`): those whose body is Python, those that write a file, and those that are left out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import field

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass

_RUNS_BODY = {"time", "capture", "prun", "debug", "pyinstrument", "snakeviz", "wandb"}
"""Magics that run their body in the notebook's namespace."""

_WRITES = {"writefile", "file"}
_LINE = re.compile(r"(?P<indent>[ \t]*)%%(?P<magic>[^\s?%]+)(?P<rest>[^\n?]*)$")
_LINE_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)
_ASSIGNED = re.compile(r"--(?:out|err)[ =](\w+)")


@dataclass(frozen=True)
class Omission:
    """Code of a cell that is left out because it is not Python.

    Attributes:
        cell: the cell's number.
        line: its line in the cell, from 1.
        what: the magic or command, without its arguments.
        names: variables that it would set.
    """

    cell: int
    line: int
    what: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Its place and name, for messages."""
        return f"cell {self.cell}, line {self.line}: {self.what}"


@dataclass(frozen=True)
class WrittenFile:
    """A file that a cell writes with `%%writefile`.

    Attributes:
        omission: the magic.
        path: the file's path, as given in the cell.
        text: its text.
        appends: whether the text is appended to the file.
    """

    omission: Omission
    path: str
    text: str
    appends: bool


@dataclass
class CellLines:
    """The lines of a cell while magics are removed; their number does not change.

    Attributes:
        number: the cell's number.
        lines: the lines, with line ends.
        omissions: code that has been removed.
        files: files that the cell writes.
    """

    number: int
    lines: list[str]
    omissions: list[Omission] = field(default_factory=list)
    files: list[WrittenFile] = field(default_factory=list)


def without_line_magics(source: str) -> str:
    """Replaces lines that start with `%` or `!` by `pass`, which is enough to read imports and parameters."""
    return _LINE_MAGIC.sub(r"\1pass", source)


def remove_cell_magics(cell: CellLines) -> None:
    """Replaces cell magics by comments, and their bodies by empty lines unless they are Python."""
    _dedent(cell.lines, 0)
    at = 0
    while at < len(cell.lines):
        found = _LINE.match(cell.lines[at].rstrip("\n"))
        if found and _starts_statement(cell.lines, at):
            _remove(cell, at, found)
        at += 1


def _remove(cell: CellLines, at: int, found: re.Match[str]) -> None:
    indent, magic, rest = found["indent"], found["magic"], found["rest"].strip()
    end = _end(cell.lines, at, indent)
    runs_body = magic in _RUNS_BODY
    cell.lines[at] = f"{indent}{'' if runs_body or not indent else 'pass  '}# left out: %%{magic}\n"
    names = _ASSIGNED.findall(rest)
    if magic == "capture":
        names = [word for word in rest.split() if not word.startswith("-")]
    omission = Omission(cell.number, at + 1, f"%%{magic}", tuple(names))
    if runs_body:
        cell.omissions.extend([omission] if names else [])
        _dedent(cell.lines, at + 1, len(indent))
        return
    if magic in _WRITES:
        cell.files.append(_written_file(omission, rest, cell.lines[at + 1 : end]))
    cell.omissions.append(omission)
    cell.lines[at + 1 : end] = ["\n"] * (end - at - 1)


def _written_file(omission: Omission, rest: str, lines: Iterable[str]) -> WrittenFile:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = []
    names = [word for word in words if not word.startswith("-")]
    text = "".join(lines)
    return WrittenFile(omission, names[0] if len(names) == 1 else rest, text, bool({"-a", "--append"} & set(words)))


def _end(lines: Sequence[str], at: int, indent: str) -> int:
    """The line after a magic's body: the end of the cell, or of the indented block."""
    if not indent:
        return len(lines)
    for number in range(at + 1, len(lines)):
        if lines[number].strip() and not lines[number].startswith(indent):
            return number
    return len(lines)


def _dedent(lines: list[str], at: int, depth: int = 0) -> None:
    """Removes the indentation of the first line from all lines, as IPython does, except within a block."""
    first = next((line for line in lines[at:] if line.strip()), "")
    extra = first[depth : len(first) - len(first.lstrip(" \t"))]
    if extra and not depth:
        lines[at:] = [line.removeprefix(extra) for line in lines[at:]]


def _starts_statement(lines: Sequence[str], at: int) -> bool:
    """Whether a line starts a statement, rather than continuing a string or an expression."""
    if all(not line.strip() or line.lstrip().startswith("#") for line in lines[:at]):
        return True
    from IPython.core.inputtransformer2 import make_tokens_by_line

    for tokens in make_tokens_by_line([*lines[: at + 1]]):
        first = next((token for token in tokens if token.string.strip()), None)
        if first is not None and first.start[0] == at + 1:
            return True
    return False


def relative_path(written: WrittenFile, notebook: str) -> str:
    """The path of a written file, relative to the notebook's folder.

    Args:
        written: the file.
        notebook: the notebook's name, for messages.

    Raises:
        PackError: the file is outside of the folder, or its path is known only at run time.
    """
    parts = written.path.split("/")
    if not re.fullmatch(r"[^\\{}$~*?\s]+", written.path) or ".." in parts or "" in parts:
        raise PackError(
            f"{notebook}, {written.omission} writes {written.path!r}, which is not a path within the notebook's folder",
            "use a relative path, or select other cells with tags=",
        )
    return "/".join(part for part in parts if part != ".")
