"""Command line arguments of a script, as read from its source."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.runtime.command_line import SWITCH, VALUE, WORDS, Spelling


@dataclass(frozen=True)
class Argument:
    """A command line argument.

    Attributes:
        name: its name as an input of the component, an identifier.
        kind: str, int, float, bool, list or dict.
        spelling: its form on the command line.
        required: whether the script requires it.
        default: the script's default; None if it has none, or computes it: the argument is then not passed.
        help: its help text.
        line: its line in the source.
        choices: the values that the script accepts, for each item of a list; empty for any.
    """

    name: str
    kind: type
    spelling: Spelling
    required: bool = False
    default: Any = None
    help: str = ""
    line: int = 0
    choices: tuple[str | int | float, ...] = ()

    @property
    def shown(self) -> str:
        """Its name for users: `--depth`, or the name of a positional argument."""
        return self.spelling.flag or self.spelling.off or self.name


@dataclass(frozen=True)
class UnreadArgument:
    """An argument that cannot be read from the source.

    Attributes:
        what: its description.
        line: its line in the source.
        required: whether the script requires it.
    """

    what: str
    line: int
    required: bool = False


@dataclass(frozen=True)
class Level:
    """A sub-command.

    Attributes:
        word: the word that selects it.
        arguments: the arguments after this word, and before that of a sub-command of its own.
    """

    word: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How a script reads arguments that only the author declares.

    Attributes:
        joined: whether flag and value are one word.
        value: the form of values.
        truth: the form of bools.
        words: the form of lists.
    """

    joined: bool = False
    value: str = VALUE
    truth: str = SWITCH
    words: str = WORDS

    def spelling(self, flag: str, kind: type) -> Spelling:
        """The spelling of an argument with a flag."""
        form = self.truth if kind is bool else self.words if kind is list else self.value
        # An empty list is no word at all, as if the script's default were one.
        return Spelling(flag, form, joined=self.joined, known=form == WORDS, default=[] if form == WORDS else None)


@dataclass(frozen=True)
class PathUse:
    """How a script uses the paths that its arguments name.

    Attributes:
        joined: names of arguments whose paths it uses as folders, since it writes or reads files below them.
        taken: names of arguments whose paths must not be folders when it starts: it makes the folder, or writes a file.
    """

    joined: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ScriptArguments:
    """All arguments of a script.

    Attributes:
        arguments: its arguments in order; with sub-commands, those before the first.
        unread: arguments that cannot be read.
        commands: its sub-commands, each as the words that select it.
        levels: the sub-commands selected, each with the arguments after its word.
        dashes: whether the script accepts `--` as the end of its options.
        accepts_more: whether it may accept further arguments, which the author declares.
        needs_command: whether it requires a sub-command if it has any.
        manner: how further arguments are written.
        paths: how it uses paths.
    """

    arguments: tuple[Argument, ...] = ()
    unread: tuple[UnreadArgument, ...] = ()
    commands: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    dashes: bool = True
    accepts_more: bool = False
    needs_command: bool = True
    manner: Manner = Manner()
    paths: PathUse = PathUse()

    @property
    def command(self) -> tuple[str, ...]:
        """The words that select the sub-command."""
        return tuple(level.word for level in self.levels)

    @property
    def command_arguments(self) -> tuple[Argument, ...]:
        """The arguments after the first of these words."""
        return tuple(argument for level in self.levels for argument in level.arguments)


def drop_clashes(
    outer: Iterable[Argument], inner: Iterable[Argument], command: str
) -> tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]:
    """Drops the arguments of a sub-command whose names are taken by arguments before it.

    Args:
        outer: the arguments before the sub-command.
        inner: the arguments of the sub-command.
        command: the sub-command, for messages.

    Returns:
        The remaining arguments, and the dropped ones.
    """
    taken = {argument.name for argument in outer}
    remaining, dropped = [], []
    for argument in inner:
        if argument.name in taken:
            what = f"{argument.shown} of {command}, whose name is also an argument before the sub-command"
            dropped.append(UnreadArgument(what, argument.line))
        else:
            remaining.append(argument)
    return tuple(remaining), tuple(dropped)


def identifier(text: str) -> str:
    """The input name of an argument: `learning_rate` for `--learning-rate`, `lambda_` for `--lambda`."""
    name = re.sub(r"\W", "_", text.lstrip("-+"), flags=re.ASCII)
    return f"{name}_" if keyword.iskeyword(name) else f"n{name}" if name[:1].isdigit() else name


def convert(kind: type, default: Any) -> tuple[bool, Any]:
    """Whether a default has a type, and the default as KFP expects it."""
    if kind is float and isinstance(default, int) and not isinstance(default, bool):
        return True, float(default)
    if kind is list and isinstance(default, (list, tuple)):
        return True, list(default)
    return type(default) is kind, default


def with_default(argument: Argument, default: Any) -> Argument:
    """The argument with a default, unless that has another type: then only the script knows it."""
    fits, value = convert(argument.kind, default)
    if argument.required or not fits:
        return argument
    return replace(argument, default=value, spelling=replace(argument.spelling, known=True, default=value))


def merge(arguments: Iterable[Argument]) -> tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]:
    """Merges arguments with the same name: flags for true and false become one switch, otherwise the first is used."""
    found: dict[str, Argument] = {}
    unread = []
    for argument in arguments:
        first = found.get(argument.name)
        if first is None:
            found[argument.name] = argument
            continue
        one, other = first.spelling, argument.spelling
        if one.form == other.form == SWITCH and bool(one.flag) != bool(other.flag):
            spelling = replace(one, flag=one.flag or other.flag, off=one.off or other.off, known=False)
            # Each flag has a default, and argparse uses the first.
            found[argument.name] = with_default(replace(first, spelling=spelling, default=None), first.default)
        else:
            unread.append(UnreadArgument(f"{argument.shown} sets {argument.name} a second time", argument.line))
    return tuple(found.values()), tuple(unread)
