"""Text for people: the terminal, errors and tables."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from fairing_kfp.errors import FairingError
from fairing_kfp.tracebacks import WIDTH, find_place, wrapped


def console(quiet: bool = False, *, stderr: bool = False) -> Console:
    """The terminal or standard output.

    Args:
        quiet: whether to print nothing.
        stderr: whether to print to standard error, since standard output is for data.
    """
    return Console(quiet=quiet, stderr=stderr, highlight=False, soft_wrap=True)


def print_error(error: FairingError, screen: Console | None = None, *, verbose: bool = False) -> None:
    """Prints an error, the line of the user's code that it arose in, and its remedy.

    In a terminal long lines end between words, and the next ones are indented; elsewhere they stay whole.

    Args:
        error: the error.
        screen: the terminal; standard error by default.
        verbose: whether to print all frames before.
    """
    screen = screen or Console(stderr=True, highlight=False, soft_wrap=True)
    if verbose:
        screen.print(escape("".join(traceback.format_exception(error))))
    place = find_place(error)
    lines = [("[bold red]error:[/] ", error.message)]
    lines += [("  at ", str(place))] if place else []
    lines += [("  [bold]→[/] ", error.remedy)] if error.remedy else []
    if error.__cause__ is not None and place and not verbose:
        lines.append(("  [bold]→[/] ", "-v shows the traceback"))
    width = min(screen.width, WIDTH) if screen.is_terminal else None
    for prefix, text in lines:
        screen.print(prefix + escape(wrapped(text, width)))


class Linked(str):
    """Text that terminals open as a file or folder on a click.

    Attributes:
        url: the address.
    """

    url: str

    @classmethod
    def path(cls, path: Path) -> Linked:
        """A path, relative to the current folder if it is below."""
        absolute, here = path.absolute(), Path.cwd()
        made = cls(absolute.relative_to(here) if absolute.is_relative_to(here) else path)
        made.url = absolute.as_uri()
        return made


def marked(text: str, width: int = 0) -> str:
    """Text as markup of rich, with a link if it has one.

    Args:
        text: the text.
        width: the number of characters to fill with spaces.
    """
    shown = f"[link={text.url}]{escape(text)}[/link]" if isinstance(text, Linked) else escape(text)
    return shown + " " * (width - len(text))


def print_table(rows: Sequence[Sequence[str]], screen: Console, indent: str = "") -> None:
    """Prints rows in aligned columns, without truncating cells.

    Args:
        rows: the header and the rows, of equal length.
        screen: the terminal.
        indent: the prefix of each line.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(marked(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        screen.print(f"{indent}[bold]{line}[/]" if number == 0 else f"{indent}{line}")
