"""Commands of a script: functions that the words of the command line select."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fairing_kfp.preprocess.arguments.argument import Argument, Level, ScriptArguments, UnreadArgument, drop_clashes
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax

Function = ast.FunctionDef | ast.AsyncFunctionDef
Read = tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]


@dataclass(eq=False)
class Command:
    """A command, or a group of commands.

    Attributes:
        word: the word that selects it.
        function: the function that it runs, whose parameters are its arguments; None for a group without one.
        children: the commands of a group.
        needs_command: whether a group requires one of its commands.
        is_root: whether it is in no group.
    """

    word: str
    function: Function | None = None
    children: list[Command] = field(default_factory=list)
    needs_command: bool = True
    is_root: bool = True

    def add(self, child: Command) -> None:
        """Adds a command to the group."""
        child.is_root = False
        if child not in self.children:
            self.children.append(child)

    def paths(self, above: tuple[Command, ...] = ()) -> Iterator[tuple[Command, ...]]:
        """The commands that can be selected, each with the groups above it, but for this one."""
        for child in self.children:
            if child not in above:
                path = (*above, child)
                if not child.children or not child.needs_command:
                    yield path
                yield from child.paths(path)


def read_commands(root: Command, words: str, read: Callable[[Function], Read]) -> ScriptArguments:
    """Reads the arguments of a command, and of the groups that it is in.

    Args:
        root: the command or group that the script starts.
        words: the words that select a command, or the name of its function; empty if there is only one.
        read: reads the arguments of a function.
    """
    outer, unread = read(root.function) if root.function else ((), ())
    found = {" ".join(one.word for one in path): path for path in root.paths()}
    named = {path[-1].function.name: path for path in found.values() if path[-1].function}
    path = found.get(words) or named.get(words) or (next(iter(found.values())) if not words and len(found) == 1 else ())
    levels: list[Level] = []
    for command in path:
        inner, more = read(command.function) if command.function else ((), ())
        taken = [*outer, *(argument for level in levels for argument in level.arguments)]
        kept, clash = drop_clashes(taken, inner, command.word)
        levels.append(Level(command.word, kept))
        unread = (*unread, *more, *clash)
    return ScriptArguments(outer, unread, tuple(found), tuple(levels), needs_command=root.needs_command)


def command_name(syntax: Syntax, call: ast.Call | None, function: str) -> str:
    """The name of a command: that in its decorator, or the function's with dashes."""
    try:
        named = (syntax.keyword_value(call, "name") or (syntax.strings(call) or [""])[0]) if call else ""
    except NotConstantError:
        named = ""
    return str(named) or function.lower().replace("_", "-")
