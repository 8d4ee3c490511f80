"""Lines of files, pipes and CI logs: markup of rich without its styles, and without rich, which is slow to import."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Protocol

_TAG = re.compile(r"(\\*)(\[[a-z#/@][^[]*?\])")
"""What rich takes as a tag, and the backslashes before it; an odd number escapes it."""


class Screen(Protocol):
    """What displays need of a console of rich."""

    quiet: bool

    @property
    def is_terminal(self) -> bool:
        """Whether lines have colors."""

    @property
    def is_jupyter(self) -> bool:
        """Whether lines are the output of a notebook's cell."""

    @property
    def is_interactive(self) -> bool:
        """Whether lines can be redrawn."""

    def print(self, *objects: Any) -> None:
        """Prints markup as a line."""


class PlainScreen:
    """Standard output or standard error that is not a terminal.

    Args:
        quiet: whether to print nothing.
        stderr: whether to print to standard error.
    """

    is_terminal = is_jupyter = is_interactive = False

    def __init__(self, quiet: bool = False, *, stderr: bool = False) -> None:
        self.quiet, self._stderr = quiet, stderr

    def print(self, *objects: Any) -> None:
        """Prints markup as a line."""
        if not self.quiet:
            stream = sys.stderr if self._stderr else sys.stdout
            stream.write(" ".join(text_of(str(one)) for one in objects) + "\n")
            stream.flush()


def screen(quiet: bool = False, *, stderr: bool = False) -> Screen:
    """Standard output: plain lines if it is not a terminal, else a console of rich.

    Args:
        quiet: whether to print nothing.
        stderr: whether to print to standard error, since standard output is for data.
    """
    may_have_colors = any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"))
    if (sys.stderr if stderr else sys.stdout).isatty() or may_have_colors or "IPython" in sys.modules:
        from fairing_kfp.display.terminal import console

        return console(quiet, stderr=stderr)
    return PlainScreen(quiet, stderr=stderr)


def escape(text: str) -> str:
    """Text as markup, in which nothing is a tag."""
    escaped = _TAG.sub(lambda match: f"{match[1]}{match[1]}\\{match[2]}", text)
    return f"{escaped}\\" if escaped.endswith("\\") and not escaped.endswith("\\\\") else escaped


def text_of(markup: str) -> str:
    """The text of markup, without tags."""
    if "[" not in markup:
        return markup

    def shown(match: re.Match[str]) -> str:
        backslashes, is_escaped = divmod(len(match[1]), 2)
        return "\\" * backslashes + (match[2] if is_escaped else "")

    parts, position = [], 0
    for match in _TAG.finditer(markup):
        parts += [markup[position : match.start()].replace("\\[", "["), shown(match)]
        position = match.end()
    return "".join([*parts, markup[position:].replace("\\[", "[")])
