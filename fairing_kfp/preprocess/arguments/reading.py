"""What is read from a script's source of the arguments that it takes."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from fairing_kfp.runtime.command_line import SWITCH, WORDS, Spelling


@dataclass(frozen=True)
class Argument:
    """An argument of a script.

    Attributes:
        name: its name as an input of the component, an identifier.
        kind: str, int, float, bool, list or dict.
        spelling: how it is written on the command line.
        required: whether the script wants it.
        default: the script's default; None where it has none, or one that cannot be read: it is then not passed.
        help: what the script says of it.
        line: where it stands.
    """

    name: str
    kind: type
    spelling: Spelling
    required: bool = False
    default: Any = None
    help: str = ""
    line: int = 0

    @property
    def shown(self) -> str:
        """What its user writes: `--depth`, or the name of a positional argument."""
        return self.spelling.flag or self.spelling.off or self.name


@dataclass(frozen=True)
class Unread:
    """An argument that could not be read.

    Attributes:
        what: what it is, in words.
        line: where it stands.
        required: whether the script wants it.
    """

    what: str
    line: int
    required: bool = False


@dataclass(frozen=True)
class Reading:
    """The arguments of a script.

    Attributes:
        arguments: those that were read, in their order.
        unread: those that could not be read.
        commands: the names of its sub-commands.
        command: the words that choose the sub-command.
        of_command: the arguments that follow those words.
        dashes: whether the script takes `--` for the end of its flags.
        is_open: whether it may take further arguments, which only its author knows.
    """

    arguments: tuple[Argument, ...] = ()
    unread: tuple[Unread, ...] = ()
    commands: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    of_command: tuple[Argument, ...] = ()
    dashes: bool = True
    is_open: bool = False


def identifier(text: str) -> str:
    """The name of an argument as an input: `--learning-rate` is `learning_rate`, `--lambda` is `lambda_`."""
    name = re.sub(r"\W", "_", text.lstrip("-+"), flags=re.ASCII)
    return f"{name}_" if keyword.iskeyword(name) else f"n{name}" if name[:1].isdigit() else name


def typed(kind: type, default: Any) -> tuple[bool, Any]:
    """Whether a default that was read is one of a kind, and the default as KFP takes it."""
    if kind is float and isinstance(default, int) and not isinstance(default, bool):
        return True, float(default)
    if kind is list and isinstance(default, (list, tuple)):
        return True, list(default)
    return type(default) is kind, default


def with_default(argument: Argument, default: Any) -> Argument:
    """The argument with a default that was read; one of another type stays with the script alone."""
    fits, value = typed(argument.kind, default)
    if argument.required or not fits:
        return argument
    return replace(argument, default=value, spelling=replace(argument.spelling, known=True, default=value))


def form_of(kind: type) -> str:
    """How a value of a kind is written where nothing else is known."""
    return SWITCH if kind is bool else WORDS if kind is list else "value"


def merged(arguments: Iterable[Argument]) -> tuple[tuple[Argument, ...], tuple[Unread, ...]]:
    """Each name once: a flag for yes and one for no are one switch, and of others the first is taken."""
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
            # Each has a default of its own, of which argparse takes the first.
            found[argument.name] = with_default(replace(first, spelling=spelling, default=None), first.default)
        else:
            unread.append(Unread(f"{argument.shown} sets {argument.name} a second time", argument.line))
    return tuple(found.values()), tuple(unread)
