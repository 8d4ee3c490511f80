"""A script's source → its command line arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.absl_reader import read_absl, uses_absl
from fairing_kfp.preprocess.arguments.argparse_reader import read_argparse, uses_argparse
from fairing_kfp.preprocess.arguments.argument import Manner, ScriptArguments, UnreadArgument
from fairing_kfp.preprocess.arguments.click_reader import read_click, uses_click
from fairing_kfp.preprocess.arguments.configurator_reader import read_configurator, uses_configurator
from fairing_kfp.preprocess.arguments.fire_reader import read_fire, uses_fire
from fairing_kfp.preprocess.arguments.folders import path_use
from fairing_kfp.preprocess.arguments.hydra_reader import read_hydra, uses_hydra
from fairing_kfp.preprocess.arguments.lightning_reader import read_lightning, uses_lightning
from fairing_kfp.preprocess.arguments.syntax import Syntax
from fairing_kfp.preprocess.arguments.typer_reader import read_typer, uses_typer
from fairing_kfp.preprocess.arguments.tyro_reader import read_tyro, uses_tyro
from fairing_kfp.runtime.command_line import OVERRIDE, TRUTH, VALUE

_READERS: tuple[tuple[Callable[[Syntax], bool], Callable[[Syntax, str], ScriptArguments]], ...] = (
    (uses_fire, read_fire),
    (uses_typer, read_typer),
    (uses_click, read_click),
    (uses_tyro, read_tyro),
    (uses_lightning, read_lightning),
    (uses_absl, read_absl),
    (uses_argparse, read_argparse),
)
_OTHER_PARSERS = (
    *("absl", "argh", "clize", "cyclopts", "defopt", "docopt", "fire", "getopt", "hydra", "jsonargparse", "optparse"),
    *("plac", "pydantic_settings", "tap", "typer", "tyro"),
)
_JSONARGPARSE = Manner(joined=True, truth=TRUTH, words=VALUE)


def read_arguments(text: str | bytes, filename: str, command: str = "") -> ScriptArguments:
    """Reads the arguments that a script declares with a parser that has a reader, without running it.

    Args:
        text: the source; as bytes in the encoding that it declares.
        filename: its path, for messages; the configuration of hydra lies beside it.
        command: the words of the sub-command to run; empty for none.

    Raises:
        ComponentError: the source is not valid Python, or the sub-command does not exist.
    """
    try:
        syntax = Syntax(text, filename)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        place = f"{filename}, line {line}" if line else filename
        raise ComponentError(
            f"{place} is not valid Python: {getattr(error, 'msg', error)}", "correct the script"
        ) from error
    command = " ".join(command.split())
    reading = replace(_reading(syntax, filename, command), paths=path_use(syntax))
    if command and not reading.levels:
        known = ", ".join(reading.commands)
        raise ComponentError(
            f"{filename} has no sub-command {command!r}",
            f"use one of {known}" if known else "omit command=, since the script has no sub-commands",
        )
    return reading


def _reading(syntax: Syntax, filename: str, command: str) -> ScriptArguments:
    for uses, read in _READERS:
        if uses(syntax):
            return read(syntax, command)
    if uses_hydra(syntax):
        return read_hydra(syntax, filename)
    if uses_configurator(syntax):
        return read_configurator(syntax)
    return ScriptArguments(unread=_by_hand(syntax), dashes=False, accepts_more=True, manner=_manner(syntax))


def _by_hand(syntax: Syntax) -> tuple[UnreadArgument, ...]:
    """Signs that a script parses its command line in another way."""
    for node in ast.walk(syntax.tree):
        if syntax.name(node) == "sys.argv":
            return (UnreadArgument("sys.argv, which the script parses itself", getattr(node, "lineno", 0)),)
        if syntax.name(node) == "omegaconf.OmegaConf.from_cli":
            return (UnreadArgument("the command line, which omegaconf parses", getattr(node, "lineno", 0)),)
    others = [name for name in syntax.imported.values() if name.split(".")[0] in _OTHER_PARSERS]
    return (UnreadArgument(f"the command line, which {others[0].split('.')[0]} parses", 0),) if others else ()


def _manner(syntax: Syntax) -> Manner:
    """How an unread script takes declared arguments."""
    if any(syntax.name(call.func) == "omegaconf.OmegaConf.from_cli" for call in syntax.calls()):
        return Manner(value=OVERRIDE, truth=OVERRIDE, words=OVERRIDE)
    return _JSONARGPARSE if any(name.startswith("jsonargparse") for name in syntax.imported.values()) else Manner()
