"""A script's text → the arguments that it takes."""

from __future__ import annotations

import ast
from collections.abc import Callable

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.argparse_reader import read_argparse, uses_argparse
from fairing_kfp.preprocess.arguments.click_reader import read_click, uses_click
from fairing_kfp.preprocess.arguments.fire_reader import read_fire, uses_fire
from fairing_kfp.preprocess.arguments.reading import Reading, Unread
from fairing_kfp.preprocess.arguments.syntax import Syntax
from fairing_kfp.preprocess.arguments.typer_reader import read_typer, uses_typer

_READERS: tuple[tuple[Callable[[Syntax], bool], Callable[[Syntax, str], Reading]], ...] = (
    (uses_fire, read_fire),
    (uses_typer, read_typer),
    (uses_click, read_click),
    (uses_argparse, read_argparse),
)
_OTHER_PARSERS = ("absl", "cyclopts", "docopt", "getopt", "hydra", "jsonargparse", "optparse", "plac", "tap", "tyro")


def read_arguments(text: str | bytes, filename: str, command: str = "") -> Reading:
    """Reads the arguments that a script declares with argparse, click, typer or fire, without running it.

    Args:
        text: the script; as bytes in the encoding that it declares.
        filename: what it is called in messages.
        command: the sub-command to run, where it has several.

    Raises:
        ComponentError: it is not valid Python, or has no such sub-command.
    """
    try:
        syntax = Syntax(text, filename)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"{filename}, line {line}" if line else filename
        raise ComponentError(f"{place} is not valid Python: {getattr(error, 'msg', error)}", "mend it") from error
    for uses, read in _READERS:
        if uses(syntax):
            reading = read(syntax, command)
            break
    else:
        reading = Reading(unread=_by_hand(syntax), dashes=False, is_open=True)
    if command and reading.command != (command,):
        known = ", ".join(reading.commands)
        raise ComponentError(
            f"{filename} has no sub-command {command!r}",
            f"it has: {known}" if known else "leave command= out: it has none",
        )
    return reading


def _by_hand(syntax: Syntax) -> tuple[Unread, ...]:
    """What tells that a script reads its command line in a way that is not read here."""
    for node in ast.walk(syntax.tree):
        if syntax.name(node) == "sys.argv":
            return (Unread("sys.argv, which it reads by hand", getattr(node, "lineno", 0)),)
    others = [name for name in syntax.imported.values() if name.split(".")[0] in _OTHER_PARSERS]
    return (Unread(f"the command line, which {others[0].split('.')[0]} reads", 0),) if others else ()
