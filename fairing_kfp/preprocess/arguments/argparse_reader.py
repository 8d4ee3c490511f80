"""The arguments of scripts that use argparse: the calls of `add_argument`, their parsers and sub-commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fairing_kfp.preprocess.arguments.argparse_argument import given, read_argument
from fairing_kfp.preprocess.arguments.reading import (
    Argument,
    Reading,
    Unread,
    merged,
    with_default,
)
from fairing_kfp.preprocess.arguments.syntax import Syntax, Unknown, keyword

_GROUPS = ("add_argument_group", "add_mutually_exclusive_group")


@dataclass
class _Parser:
    """A parser or sub-parser, and what is added to it.

    Attributes:
        command: the word that chooses it; empty for the main one.
        parents: the names of the parsers whose arguments it takes over.
    """

    command: str = ""
    parents: list[str] = field(default_factory=list)
    prefixes: str = "-"
    arguments: list[Argument | Unread] = field(default_factory=list)
    defaults: dict[str, ast.expr] = field(default_factory=dict)


def uses_argparse(syntax: Syntax) -> bool:
    """Whether a script adds arguments to a parser of argparse."""
    return any(name.split(".")[0] == "argparse" for name in syntax.imported.values()) and any(
        isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument" for call in syntax.calls()
    )


def read_argparse(syntax: Syntax, command: str = "") -> Reading:
    """Reads the arguments that a script adds to its parsers.

    Args:
        syntax: the script.
        command: the sub-command whose arguments are wanted, too.
    """
    parsers = _parsers(syntax)
    as_parent = {parent for parser in parsers.values() for parent in parser.parents}
    named = [parser for parser in parsers.values() if parser.command]
    main = [parser for name, parser in parsers.items() if not parser.command and name not in as_parent]
    arguments, unread = _collected(syntax, main, parsers)
    takes_more = any(getattr(call.func, "attr", "") == "parse_known_args" for call in syntax.calls())
    reading = Reading(arguments, unread, tuple(dict.fromkeys(parser.command for parser in named)), is_open=takes_more)
    if command not in reading.commands:
        return reading
    inner, more = _collected(syntax, [parser for parser in named if parser.command == command], parsers)
    outer = {argument.name for argument in arguments}
    clash = tuple(
        Unread(f"{one.shown} of {command} has the name of one before it", one.line)
        for one in inner
        if one.name in outer
    )
    kept = tuple(one for one in inner if one.name not in outer)
    return replace(reading, unread=(*unread, *more, *clash), command=(command,), of_command=kept)


def _collected(
    syntax: Syntax, parsers: list[_Parser], all_parsers: dict[str, _Parser]
) -> tuple[tuple[Argument, ...], tuple[Unread, ...]]:
    found = [
        _redefault(syntax, item, parser.defaults)
        for parser in parsers
        for item in _with_parents(parser, all_parsers, ())
    ]
    arguments, twice = merged(item for item in found if isinstance(item, Argument))
    return arguments, (*(item for item in found if isinstance(item, Unread)), *twice)


def _with_parents(parser: _Parser, parsers: dict[str, _Parser], above: tuple[str, ...]) -> Iterator[Argument | Unread]:
    for parent in parser.parents:
        if parent in parsers and parent not in above:
            yield from _with_parents(parsers[parent], parsers, (*above, parent))
    yield from parser.arguments


def _parsers(syntax: Syntax) -> dict[str, _Parser]:
    """The parsers of a script by the names of their variables; what goes to an unknown one goes to the main one."""
    parsers: dict[str, _Parser] = {}
    same: dict[str, str] = {}  # groups: the parser that they belong to
    for target, call in _assigned_calls(syntax):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        owner = _owner(call)
        if syntax.name(call.func).rpartition(".")[2] == "ArgumentParser" or _is_subclass(syntax, call):
            parser = parsers.setdefault(target, _Parser())
            parser.parents += _parents(call)
            parser.prefixes = str(given(syntax, call, "prefix_chars") or "-")
        elif method in _GROUPS:
            same[target] = owner
        elif method == "add_parser":
            parser = parsers.setdefault(target, _Parser())
            parser.command = _command(syntax, call)
            parser.parents += _parents(call)
    handed = _handed(syntax)
    for call in syntax.calls():
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method not in ("add_argument", "set_defaults"):
            continue
        owner = _resolved(_owner(call), same)
        names = [owner] if owner in parsers else [_resolved(name, same) for name in handed.get(owner, ())]
        for parser in [parsers[name] for name in names if name in parsers] or [_main(parsers)]:
            if method == "add_argument":
                parser.arguments += read_argument(syntax, call, parser.prefixes)
            else:
                parser.defaults.update({item.arg: item.value for item in call.keywords if item.arg})
    return parsers


def _resolved(name: str, same: dict[str, str]) -> str:
    """The name of the parser that a group belongs to."""
    while same.get(name, name) != name:
        name = same[name]
    return name


def _handed(syntax: Syntax) -> dict[str, list[str]]:
    """For the parameters of the script's functions, the variables that they are given."""
    handed: dict[str, list[str]] = {}
    for call in syntax.calls():
        function = syntax.functions.get(syntax.name(call.func))
        if function is not None:
            for parameter, value in zip(function.args.args, call.args, strict=False):
                handed.setdefault(parameter.arg, []).append(ast.unparse(value))
    return handed


def _main(parsers: dict[str, _Parser]) -> _Parser:
    """The parser of what belongs to none that is known."""
    as_parent = {parent for parser in parsers.values() for parent in parser.parents}
    found = (parser for name, parser in parsers.items() if not parser.command and name not in as_parent)
    return next(found, None) or parsers.setdefault("", _Parser())


def _assigned_calls(syntax: Syntax) -> Iterator[tuple[str, ast.Call]]:
    """The calls of a script with the variable that their result goes to, if any."""
    targets = {}
    for node in ast.walk(syntax.tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            targets[id(node.value)] = ast.unparse(target)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if isinstance(item.context_expr, ast.Call) and item.optional_vars is not None:
                    targets[id(item.context_expr)] = ast.unparse(item.optional_vars)
    for call in syntax.calls():
        yield targets.get(id(call), ast.unparse(call)), call


def _owner(call: ast.Call) -> str:
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _is_subclass(syntax: Syntax, call: ast.Call) -> bool:
    cls = syntax.classes.get(syntax.name(call.func))
    return cls is not None and any(syntax.name(base).endswith("ArgumentParser") for base in cls.bases)


def _parents(call: ast.Call) -> list[str]:
    node = keyword(call, "parents")
    return [ast.unparse(item) for item in node.elts] if isinstance(node, (ast.List, ast.Tuple)) else []


def _command(syntax: Syntax, call: ast.Call) -> str:
    try:
        return str(syntax.value(call.args[0]))
    except (Unknown, IndexError):
        return "?"


def _redefault(syntax: Syntax, item: Argument | Unread, defaults: dict[str, ast.expr]) -> Argument | Unread:
    """The argument with the default that `set_defaults` gives it."""
    if isinstance(item, Unread) or item.name not in defaults:
        return item
    bare = replace(item, default=None, spelling=replace(item.spelling, known=False, default=None))
    try:
        return with_default(bare, syntax.value(defaults[item.name]))
    except Unknown:
        return bare
