"""The commands of a script: functions, of which its command line chooses one."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from fairing_kfp.preprocess.arguments.syntax import Syntax


@dataclass(frozen=True)
class Command:
    """A command of a script.

    Attributes:
        name: the word that chooses it.
        function: the function that it runs.
        is_group: whether it is what is before the words of commands.
    """

    name: str
    function: ast.FunctionDef | ast.AsyncFunctionDef
    is_group: bool = False


def chosen(syntax: Syntax, commands: Sequence[Command], wanted: str) -> Command | None:
    """The command that is wanted; without a wish the only one, or the only one that the file calls."""
    if wanted:
        return next((one for one in commands if wanted in (one.name, one.function.name)), None)
    if len(commands) <= 1:
        return commands[0] if commands else None
    called = {call.func.id for call in syntax.calls() if isinstance(call.func, ast.Name)}
    started = [one for one in commands if one.function.name in called]
    return started[0] if len(started) == 1 else None
