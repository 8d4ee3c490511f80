"""Arguments of scripts that use argparse, or parsers built on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from fairing_kfp.preprocess.arguments.argparse_parsers import HUGGING_FACE, PARSERS, Parser, Parsers
from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Level,
    Manner,
    ScriptArguments,
    UnreadArgument,
    drop_clashes,
    merge,
    with_default,
)
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax
from fairing_kfp.runtime.command_line import TRUTH

_PARSES = ("parse_args", "parse_known_args", "parse_args_into_dataclasses")
_OTHERS = ("jsonargparse", "optparse", "tap", "plac")
"""Libraries whose parsers have the same methods, and other arguments."""
_SIMPLE = ("simple_parsing.parse", "simple_parsing.parse_known_args")


def uses_argparse(syntax: Syntax) -> bool:
    """Whether a script makes an argparse parser, adds arguments to one, or lets one parse the command line."""
    if any(name.partition(".")[0] in _OTHERS for name in syntax.imported.values()):
        return False
    return any(
        name.rpartition(".")[2] in PARSERS or name in _SIMPLE or name.rpartition(".")[2] in _PARSES
        for name in (_called(syntax, call) for call in syntax.calls())
    ) or (
        any(name.partition(".")[0] == "argparse" for name in syntax.imported.values())
        and any(isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument" for call in syntax.calls())
    )


def takes_unknown(syntax: Syntax) -> bool:
    """Whether a script's parser leaves arguments that it does not know to others."""
    return any(getattr(call.func, "attr", "") == "parse_known_args" for call in syntax.calls())


def read_argparse(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the arguments that a script adds to its parsers.

    Args:
        syntax: the script.
        command: the words of the sub-command whose arguments are read too; empty for none.
    """
    main = Parsers(syntax).main
    arguments, unread = _collected(syntax, main)
    commands = dict(_commands(main))
    names = {_called(syntax, call).rpartition(".")[2] for call in syntax.calls()}
    reading = ScriptArguments(
        arguments,
        unread,
        tuple(commands),
        accepts_more=takes_unknown(syntax),
        needs_command=any(group.needs_command for parser in main for group in parser.included()),
        manner=Manner(truth=TRUTH) if names & set(HUGGING_FACE) else Manner(),
    )
    if command not in commands:
        return reading
    levels: list[Level] = []
    for parser in commands[command]:
        outer = [argument for level in levels for argument in level.arguments]
        inner, more = _collected(syntax, [parser])
        kept, clash = drop_clashes([*arguments, *outer], inner, parser.command)
        levels.append(Level(parser.command, kept))
        unread = (*unread, *more, *clash)
    return replace(reading, unread=unread, levels=tuple(levels))


def _called(syntax: Syntax, call: ast.Call) -> str:
    """The name of a function that is called, or of a method of any object."""
    return syntax.name(call.func) or (call.func.attr if isinstance(call.func, ast.Attribute) else "")


def _commands(parsers: list[Parser], above: tuple[Parser, ...] = ()) -> Iterator[tuple[str, tuple[Parser, ...]]]:
    """The sub-commands by their words, each with its parser and those above it."""
    for parser in parsers:
        for included in parser.included():
            for child in included.children:
                path = (*above, child)
                inner = dict(_commands([child], path)) if child not in above else {}
                if not inner or not any(group.needs_command for group in child.included()):
                    yield " ".join(one.command for one in path), path
                yield from inner.items()


def _collected(syntax: Syntax, parsers: list[Parser]) -> tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]:
    found = []
    for parser in parsers:
        defaults = {name: node for one in parser.included() for name, node in one.defaults.items()}
        found += [_redefault(syntax, item, defaults) for item in parser.arguments()]
    arguments, twice = merge(item for item in found if isinstance(item, Argument))
    return arguments, tuple(dict.fromkeys([*(item for item in found if isinstance(item, UnreadArgument)), *twice]))


def _redefault(
    syntax: Syntax, item: Argument | UnreadArgument, defaults: dict[str, ast.expr]
) -> Argument | UnreadArgument:
    """The argument with its default from `set_defaults`."""
    if isinstance(item, UnreadArgument) or item.name not in defaults:
        return item
    bare = replace(item, default=None, spelling=replace(item.spelling, known=False, default=None))
    try:
        return with_default(bare, syntax.value(defaults[item.name]))
    except NotConstantError:
        return bare
