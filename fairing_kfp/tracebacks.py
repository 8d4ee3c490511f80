"""Where in the user's own code an error arose, and its display without the frames of libraries."""

from __future__ import annotations

import functools
import linecache
import sys
import sysconfig
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairing_kfp.frozen import dataclass

WIDTH = 100
"""The longest line of a message on a screen."""

_LONGEST_SOURCE = 60
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Place:
    """A line of the user's code.

    Attributes:
        file: the file, or the cell of a notebook, as it is shown.
        line: its line, from 1.
        function: the function; empty at the top of a module or cell.
        source: the text of the line, without its indentation.
    """

    file: str
    line: int
    function: str = ""
    source: str = ""

    def __str__(self) -> str:
        """`digits.py, line 12, in digits: train(depth=3)`."""
        function = f", in {self.function}" if self.function else ""
        source = f": {self.source}" if self.source else ""
        return f"{self.file}, line {self.line}{function}{source}"


def find_place(error: BaseException) -> Place | None:
    """The innermost line of the user's code in the tracebacks of an error and its causes, the first cause first.

    None if there is none: files of this package, of installed packages and of the standard library are not the user's.
    """
    for one in reversed(list(_causes(error))):
        if isinstance(one, SyntaxError) and one.filename and one.lineno and _is_of_user(one.filename):
            return Place(_shown(one.filename), one.lineno, source=_shortened(one.text or ""))
        users = [
            (frame, line)
            for frame, line in traceback.walk_tb(one.__traceback__)
            if _is_of_user(frame.f_code.co_filename)
        ]
        if users:
            frame, line = users[-1]
            file, function = frame.f_code.co_filename, frame.f_code.co_name
            source = _shortened(linecache.getline(file, line, frame.f_globals))
            return Place(_shown(file), line, "" if function.startswith("<") else function, source)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, its cause, the cause of that, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def ipython_lines(error: Any, summary: str = "") -> list[str]:
    """What IPython displays of a `FairingError`: message, place and remedy; in its mode `Verbose` all frames.

    Args:
        error: the error.
        summary: what is displayed in place of the message.
    """
    tracebacks = getattr(_shell(), "InteractiveTB", None)
    if getattr(tracebacks, "mode", "") == "Verbose":
        lines: list[str] = tracebacks.structured_traceback(type(error), error, error.__traceback__)  # type: ignore[union-attr]
        return lines
    place = find_place(error)
    lines = [f"{type(error).__name__}: {wrapped(summary or error.message, WIDTH)}"]
    lines += [f"  at {place}"] if place else []
    return [*lines, f"  → {wrapped(error.remedy, WIDTH)}"] if error.remedy else lines


def wrapped(text: str, width: int | None) -> str:
    """Text for a screen: lines end between words, and those that follow are indented.

    Args:
        text: the text.
        width: the width of the screen; None leaves the lines as they are.
    """
    if width is None:
        return text
    room = width - len("ComponentError: ")
    parts = [textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")]
    return "\n    ".join("\n    ".join(lines) for lines in parts)


def _shell() -> Any:
    """The running shell of IPython; None without."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return find() if find else None


def _is_of_user(file: str) -> bool:
    """Whether a file or cell is the user's."""
    if file.startswith("<"):
        return file == "<stdin>" or file.startswith("<ipython-input")
    path = Path(file).absolute()
    if path.suffix not in (".py", ".ipynb") or _INSTALLED & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in (*_folders(), *_folder_of_kfp()))


@functools.cache
def _folders() -> tuple[Path, ...]:
    """The folders of this package and of the standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    return Path(__file__).absolute().parent, library.absolute(), library.resolve()


def _folder_of_kfp() -> tuple[Path, ...]:
    """The folder of kfp, which may be installed from a checkout; none before it is imported."""
    return tuple(map(Path, getattr(sys.modules.get("kfp"), "__path__", ())))


def _shown(file: str) -> str:
    """A file below the current folder relative to it, a notebook's cell as IPython names it."""
    name = getattr(getattr(_shell(), "compile", None), "format_code_name", lambda _: None)(file)
    if name:
        return " ".join(name)
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _shortened(source: str) -> str:
    text = source.strip()
    return text if len(text) <= _LONGEST_SOURCE else f"{text[:_LONGEST_SOURCE]}…"
