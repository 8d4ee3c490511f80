"""The arguments of scripts that use click: the decorators of a command's function."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from fairing_kfp.preprocess.arguments.commands import Command, chosen
from fairing_kfp.preprocess.arguments.reading import Argument, Reading, Unread, identifier, merged, with_default
from fairing_kfp.preprocess.arguments.syntax import Syntax, Unknown, keyword
from fairing_kfp.runtime.command_line import COUNT, REPEAT, SWITCH, TRUTH, VALUE, WORDS, Spelling

_KINDS: dict[str, type] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "click.INT": int,
    "click.FLOAT": float,
    "click.STRING": str,
    "click.BOOL": bool,
    "click.IntRange": int,
    "click.FloatRange": float,
}
_PARAMETERS = ("click.option", "click.argument")


def uses_click(syntax: Syntax) -> bool:
    """Whether a script decorates functions as commands of click."""
    return "click" in {name.split(".")[0] for name in syntax.imported.values()} and bool(_commands(syntax))


def read_click(syntax: Syntax, command: str = "") -> Reading:
    """Reads the options and arguments of the script's command.

    Args:
        syntax: the script.
        command: the command of a group, where there is one.
    """
    commands = _commands(syntax)
    group = next((one for one in commands if one.is_group), None)
    outer, unread = _parameters(syntax, group.function) if group else ((), ())
    one = chosen(syntax, [one for one in commands if not one.is_group], command)
    if one is None:
        return Reading(outer, unread, tuple(one.name for one in commands if not one.is_group))
    inner, more = _parameters(syntax, one.function)
    if group is None:
        return Reading(inner, more)
    names = {argument.name for argument in outer}
    return Reading(
        outer,
        (*unread, *more),
        tuple(other.name for other in commands if not other.is_group),
        (one.name,),
        tuple(argument for argument in inner if argument.name not in names),
    )


def _commands(syntax: Syntax) -> list[Command]:
    found = []
    for node in ast.walk(syntax.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = syntax.name(call.func if call else decorator)
            kind = name.rpartition(".")[2]
            if kind in ("command", "group"):
                found.append(Command(_name(syntax, call, node.name), node, kind == "group"))
    return found


def _name(syntax: Syntax, call: ast.Call | None, function: str) -> str:
    try:
        named = (syntax.given(call, "name") or (syntax.strings(call) or [""])[0]) if call else ""
    except Unknown:
        named = ""
    return str(named) or function.replace("_", "-")


def _parameters(
    syntax: Syntax, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[tuple[Argument, ...], tuple[Unread, ...]]:
    read: list[Argument | Unread] = []
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and syntax.name(decorator.func) in _PARAMETERS:
            read += _read(syntax, decorator, is_option=syntax.name(decorator.func) == "click.option")
        elif isinstance(decorator, ast.Name) and decorator.id in syntax.functions:
            of_its_own = syntax.functions[decorator.id]  # options that several commands share
            for call in ast.walk(of_its_own):
                if isinstance(call, ast.Call) and syntax.name(call.func) in _PARAMETERS:
                    read += _read(syntax, call, is_option=syntax.name(call.func) == "click.option")
    arguments, twice = merged(item for item in read if isinstance(item, Argument))
    return arguments, (*(item for item in read if isinstance(item, Unread)), *twice)


def _read(syntax: Syntax, call: ast.Call, *, is_option: bool) -> list[Argument | Unread]:
    try:
        declared = syntax.strings(call)
        required = bool(syntax.given(call, "required", not is_option and "default" not in _keywords(call)))
        nargs = syntax.given(call, "nargs", 1)
        multiple, is_flag, count = (bool(syntax.given(call, name, False)) for name in ("multiple", "is_flag", "count"))
    except Unknown as error:
        wanted = not is_option or keyword(call, "required") is not None
        return [Unread(f"{ast.unparse(call.func)}(…), whose {error} is computed", call.lineno, wanted)]
    if not declared or any(item.arg is None for item in call.keywords) or "flag_value" in _keywords(call):
        return [Unread(f"{ast.unparse(call)}, which cannot be read", call.lineno, required)]
    if not is_option:
        made = Argument(
            identifier(declared[0].lower()), *_kind(syntax, call), required and nargs != -1, line=call.lineno
        )
        if nargs != 1:
            made = replace(made, kind=list, spelling=replace(made.spelling, form=WORDS))
        return [_defaulted(syntax, call, made)]
    flags = [name for name in declared if name.startswith("-")]
    named = next((name for name in declared if name.isidentifier()), "")
    pairs = [name.split("/", 1) for name in flags]
    flag = next((pair[0].strip() for pair in pairs if pair[0].startswith("--")), pairs[0][0].strip() if pairs else "")
    off = next((pair[1].strip() for pair in pairs if len(pair) > 1), "")
    name = identifier(named or flag.lower())
    kind, spelling = _kind(syntax, call)
    prompts = keyword(call, "prompt") is not None and "default" not in _keywords(call)
    made = Argument(
        name, kind, replace(spelling, flag=flag), required or prompts, None, _help(syntax, call), call.lineno
    )
    if off or is_flag or (kind is bool and keyword(call, "type") is None):
        made = replace(made, kind=bool, spelling=Spelling(flag, SWITCH, off))
        return [_defaulted(syntax, call, made, False)]
    if count:
        return [_defaulted(syntax, call, replace(made, kind=int, spelling=Spelling(flag, COUNT)), 0)]
    if multiple and nargs != 1:
        return [Unread(f"{flag}, which takes several groups of words", call.lineno, made.required)]
    if multiple or nargs != 1:
        made = replace(made, kind=list, spelling=Spelling(flag, REPEAT if multiple else WORDS))
    return [_defaulted(syntax, call, made)]


def _keywords(call: ast.Call) -> set[str]:
    return {item.arg for item in call.keywords if item.arg}


def _kind(syntax: Syntax, call: ast.Call) -> tuple[type, Spelling]:
    node = keyword(call, "type")
    if node is not None:
        kind = _KINDS.get(syntax.name(node.func if isinstance(node, ast.Call) else node), str)
        return kind, Spelling(form=TRUTH if kind is bool else VALUE)
    try:
        example = syntax.given(call, "default")
    except Unknown:
        example = None
    kind = type(example[0]) if isinstance(example, list) and example else type(example)
    return (kind if kind in (int, float, bool) else str), Spelling(form=VALUE)


def _defaulted(syntax: Syntax, call: ast.Call, made: Argument, otherwise: Any = None) -> Argument:
    try:
        return with_default(made, syntax.given(call, "default", otherwise))
    except Unknown:
        return made


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help")
    node = keyword(call, "type")
    if isinstance(node, ast.Call) and syntax.name(node.func) == "click.Choice" and node.args:
        try:
            return f"{text} ({' or '.join(map(str, syntax.value(node.args[0])))})".strip()
        except Unknown:
            return text
    return text
