"""The arguments of scripts that use argparse: the calls of `add_argument`, their parsers and sub-commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fairing_kfp.preprocess.arguments.reading import (
    Argument,
    Reading,
    Unread,
    identifier,
    merged,
    with_default,
)
from fairing_kfp.preprocess.arguments.syntax import Syntax, Unknown, from_json, keyword
from fairing_kfp.runtime.command_line import COUNT, FILLED, REPEAT, SWITCH, TRUTH, VALUE, WORDS, Spelling

_KINDS: dict[str, type] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "json.loads": dict,
    "pathlib.Path": str,
    "argparse.FileType": str,
    "open": str,
}
_GROUPS = ("add_argument_group", "add_mutually_exclusive_group")
_WITHOUT_VALUE = ("help", "version")
_ADDS_WORDS = ("append", "extend")


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
    arguments, unread = _collected(main, parsers)
    takes_more = any(getattr(call.func, "attr", "") == "parse_known_args" for call in syntax.calls())
    reading = Reading(arguments, unread, tuple(dict.fromkeys(parser.command for parser in named)), is_open=takes_more)
    if not command:
        return reading
    inner, more = _collected([parser for parser in named if parser.command == command], parsers)
    outer = {argument.name for argument in arguments}
    clash = tuple(
        Unread(f"{one.shown} of {command} has the name of one before it", one.line)
        for one in inner
        if one.name in outer
    )
    kept = tuple(one for one in inner if one.name not in outer)
    return replace(reading, unread=(*unread, *more, *clash), command=(command,), of_command=kept)


def _collected(
    parsers: list[_Parser], all_parsers: dict[str, _Parser]
) -> tuple[tuple[Argument, ...], tuple[Unread, ...]]:
    found = [item for parser in parsers for item in _with_parents(parser, all_parsers, ())]
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
    same: dict[str, str] = {}  # groups and sub-parser makers: the parser that they belong to
    makers: set[str] = set()
    for target, call in _assigned_calls(syntax):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        owner = _owner(call)
        if syntax.name(call.func).rpartition(".")[2] == "ArgumentParser" or _is_subclass(syntax, call):
            parser = parsers.setdefault(target, _Parser())
            parser.parents += _parents(call)
            parser.prefixes = str(_given(syntax, call, "prefix_chars") or "-")
        elif method in _GROUPS:
            same[target] = owner
        elif method == "add_subparsers":
            makers.add(target)
        elif method == "add_parser":
            parser = parsers.setdefault(target, _Parser())
            parser.command = _command(syntax, call)
            parser.parents += _parents(call)
    for call in syntax.calls():
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method not in ("add_argument", "set_defaults"):
            continue
        name = _owner(call)
        while name in same and same[name] != name:
            name = same[name]
        if name not in parsers:  # a parser that a function is given
            name = next((known for known, parser in parsers.items() if not parser.command), name)
        parser = parsers.setdefault(name, _Parser())
        if method == "add_argument":
            parser.arguments += _read(syntax, call, parser.prefixes)
        else:
            parser.defaults.update({item.arg: item.value for item in call.keywords if item.arg})
    for parser in parsers.values():
        parser.arguments = [_redefault(syntax, item, parser.defaults) for item in parser.arguments]
    return parsers


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


def _given(syntax: Syntax, call: ast.Call, name: str) -> Any:
    try:
        return syntax.given(call, name)
    except Unknown:
        return None


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


def _read(syntax: Syntax, call: ast.Call, prefixes: str) -> list[Argument | Unread]:
    """What one call of `add_argument` adds; nothing for `--help` and `--version`."""
    try:
        names = syntax.strings(call)
        action, dest, required = (
            _action(syntax, call),
            syntax.given(call, "dest"),
            syntax.given(call, "required", False),
        )
        nargs = _nargs(syntax, call)
    except Unknown as error:
        required = bool(_given(syntax, call, "required"))
        return [Unread(f"add_argument(…), whose {error} is computed", call.lineno, required)]
    if action in _WITHOUT_VALUE:
        return []
    if not names and dest:
        names = [dest]
    if not names or any(item.arg is None for item in call.keywords):
        return [Unread(f"add_argument({', '.join(names)}), whose options are computed", call.lineno, bool(required))]
    flags = [name for name in names if name[0] in prefixes]
    flag = next((name for name in flags if len(name) > 2 and name[1] in prefixes), flags[0] if flags else "")
    name = identifier(dest or flag or names[0])
    wanted = bool(required) if flag else nargs not in ("?", "*", "...") and "default" not in _keywords(call)
    kind, form = _kind(syntax, call)
    made = Argument(name, kind, Spelling(flag, form), wanted, None, _help(syntax, call), call.lineno)
    if action in ("store_true", "store_false", "store_const"):
        off = action == "store_false"
        spelling = Spelling("" if off else flag, SWITCH, flag if off else "")
        made = replace(made, kind=bool, spelling=spelling, required=False)
        return [with_default(made, off) if action == "store_const" else _defaulted(syntax, call, made, off)]
    if action == "boolean":
        off_flag = next((f"--no-{flag[2:]}" for flag in flags if flag.startswith("--")), "")
        made = replace(made, kind=bool, spelling=Spelling(flag, SWITCH, off_flag))
    elif action == "count":
        made = replace(made, kind=int, spelling=Spelling(flag, COUNT))
    elif action in _ADDS_WORDS and (nargs is None or action == "extend"):
        made = replace(made, kind=list, spelling=Spelling(flag, WORDS if action == "extend" else REPEAT))
    elif action == "store":
        if nargs not in (None, "?"):
            bare = nargs in ("*", "...")
            made = replace(made, kind=list, spelling=Spelling(flag, WORDS, bare=bare))
    else:
        return [Unread(f"{made.shown}, whose action={action} is not known", call.lineno, made.required)]
    return [_defaulted(syntax, call, made)]


def _defaulted(syntax: Syntax, call: ast.Call, made: Argument, otherwise: Any = None) -> Argument:
    try:
        default = syntax.given(call, "default", otherwise)
    except Unknown:
        return made
    if default and (made.spelling.form in (COUNT, REPEAT) or _given(syntax, call, "action") == "extend"):
        return made  # what is given is added to it
    return with_default(made, from_json(default) if made.kind in (dict, list) else default)


def _keywords(call: ast.Call) -> set[str]:
    return {item.arg for item in call.keywords if item.arg}


def _action(syntax: Syntax, call: ast.Call) -> str:
    node = keyword(call, "action")
    if node is None:
        return "store"
    if syntax.name(node).endswith("BooleanOptionalAction"):
        return "boolean"
    if isinstance(node, (ast.Name, ast.Attribute)):
        return ast.unparse(node)
    return str(syntax.value(node))


def _nargs(syntax: Syntax, call: ast.Call) -> Any:
    node = keyword(call, "nargs")
    if node is None:
        return None
    return {"argparse.REMAINDER": "...", "argparse.ZERO_OR_MORE": "*", "argparse.ONE_OR_MORE": "+"}.get(
        syntax.name(node)
    ) or syntax.value(node)


def _kind(syntax: Syntax, call: ast.Call) -> tuple[type, str]:
    """The type of one value, and how it is written."""
    node = keyword(call, "type")
    if node is None:
        return _kind_of_default(syntax, call), VALUE
    name = syntax.name(node.func if isinstance(node, ast.Call) else node)
    function = syntax.functions.get(name)
    if name in _KINDS:
        kind = _KINDS[name]
        if kind is dict and isinstance(from_json(_given(syntax, call, "default")), list):
            kind = list
        return kind, FILLED if kind is bool else VALUE
    if function is not None and function.returns is not None:
        kind = _KINDS.get(syntax.name(function.returns), str)
        return kind, TRUTH if kind is bool else VALUE
    return (bool, TRUTH) if "bool" in name.lower() else (str, VALUE)


def _kind_of_default(syntax: Syntax, call: ast.Call) -> type:
    """Without `type=` argparse passes text; but a default or choices that are numbers say what is meant."""
    choices = _given(syntax, call, "choices")
    example = choices[0] if isinstance(choices, list) and choices else _given(syntax, call, "default")
    kind = type(example)
    return kind if kind in (int, float) else str


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help").replace("%%", "%")
    choices = _given(syntax, call, "choices")
    return f"{text} ({' or '.join(map(str, choices))})".strip() if isinstance(choices, list) else text
