"""Arguments of scripts that use click, read from the decorators of a command."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import replace
from typing import Any

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    ScriptArguments,
    UnreadArgument,
    identifier,
    merge,
    with_default,
)
from fairing_kfp.preprocess.arguments.commands import Command, Function, Read, command_name, read_commands
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword, keywords
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
_ROOTS = ("click", "rich_click", "asyncclick", "click_option_group")
_GROUPS = ("group", "Group", "MultiCommand", "CommandCollection")


def uses_click(syntax: Syntax) -> bool:
    """Whether a script has click commands."""
    roots = {name.partition(".")[0] for name in syntax.imported.values()}
    return bool(roots & set(_ROOTS)) and bool(_commands(syntax))


def read_click(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the options and arguments of a click command.

    Args:
        syntax: the script.
        command: the words of a command in groups; empty if there is only one.
    """
    commands = _commands(syntax)
    roots = [one for one in commands.values() if one.is_root]
    called = {syntax.name(call.func) for call in syntax.calls()}
    started = [one for name, one in commands.items() if one.is_root and name in called]
    if len(roots) > 1 and len(started) != 1:
        known = ", ".join(name for name, one in commands.items() if one in (started or roots))
        return ScriptArguments(unread=(UnreadArgument(f"those of {known}, one of which the script starts", 0),))
    return read_commands((started or roots)[0], command, lambda function: _parameters(syntax, function))


def _commands(syntax: Syntax) -> dict[str, Command]:
    """The commands and groups by the names that the script gives them."""
    found: dict[str, Command] = {}
    above: list[tuple[str, Command]] = []
    for name, value in syntax.constants.items():
        if isinstance(value, ast.Call) and syntax.name(value.func).rpartition(".")[2] in _GROUPS:
            found[name] = Command(command_name(syntax, value, name))
    for node in ast.walk(syntax.tree):
        for decorator in node.decorator_list if isinstance(node, Function) else ():
            call = decorator if isinstance(decorator, ast.Call) else None
            owner, _, kind = syntax.name(call.func if call else decorator).rpartition(".")
            if kind in ("command", "group") and isinstance(node, Function):
                is_optional = call is not None and getattr(keyword(call, "invoke_without_command"), "value", False)
                made = Command(command_name(syntax, call, node.name), node, needs_command=not is_optional)
                found[node.name] = made
                above.append((owner, made))
    for owner, made in above:
        if owner in found:
            found[owner].add(made)
    for call in syntax.calls():
        owner, _, method = syntax.name(call.func).rpartition(".")
        child = found.get(syntax.name(call.args[0])) if call.args else None
        if method == "add_command" and owner in found and child is not None:
            named = call.args[1] if len(call.args) > 1 else keyword(call, "name")
            child.word = str(named.value) if isinstance(named, ast.Constant) else child.word
            found[owner].add(child)
    return found


def _parameters(syntax: Syntax, function: Function) -> Read:
    read: list[Argument | UnreadArgument] = []
    for decorator in function.decorator_list:
        for call in _declarations(syntax, decorator):
            read += _read(syntax, call, is_option=syntax.name(call.func).endswith("option"))
    arguments, twice = merge(item for item in read if isinstance(item, Argument))
    return arguments, (*(item for item in read if isinstance(item, UnreadArgument)), *twice)


def _declarations(syntax: Syntax, decorator: ast.expr) -> list[ast.Call]:
    """The calls of `click.option` and `click.argument` in a decorator, or in the function that it names."""
    node = syntax.constant(decorator)
    function = syntax.name(node.func if isinstance(node, ast.Call) else node)
    if isinstance(node, ast.Call) and _is_parameter(function):
        return [node]
    if function in syntax.functions:  # a decorator with options of several commands
        calls = (call for call in ast.walk(syntax.functions[function]) if isinstance(call, ast.Call))
        return [call for call in calls if _is_parameter(syntax.name(call.func))]
    return []


def _is_parameter(name: str) -> bool:
    root, _, last = name.partition(".")
    return root in _ROOTS and last.rpartition(".")[2] in ("option", "argument")


def _read(syntax: Syntax, call: ast.Call, *, is_option: bool) -> list[Argument | UnreadArgument]:
    try:
        declared = syntax.strings(call)
        nargs = _size(call) or syntax.keyword_value(call, "nargs", 1)
        needed = not is_option and "default" not in keywords(call) and nargs != -1
        required = bool(syntax.keyword_value(call, "required", needed))
        multiple, is_flag, count = (
            bool(syntax.keyword_value(call, name, False)) for name in ("multiple", "is_flag", "count")
        )
    except NotConstantError as error:
        is_required = not is_option or keyword(call, "required") is not None
        return [UnreadArgument(f"{ast.unparse(call.func)}(…), whose {error} is computed", call.lineno, is_required)]
    if not declared or any(item.arg is None for item in call.keywords) or "flag_value" in keywords(call):
        return [UnreadArgument(f"{ast.unparse(call)}, which cannot be read", call.lineno, required)]
    kind, spelling = _kind(syntax, call)
    choices = _choices(syntax, call) if _takes_exactly(call) else ()
    if not is_option:
        made = Argument(identifier(declared[0].lower()), kind, spelling, required, line=call.lineno, choices=choices)
        if nargs != 1:
            made = replace(made, kind=list, spelling=Spelling(form=WORDS, bare=nargs == -1 and not required))
        return [_defaulted(syntax, call, made)]
    flags = [name for name in declared if name.startswith(("-", "/", " "))]
    named = next((name for name in declared if name.isidentifier()), "")
    pairs = [name.split("/", 1) for name in flags]
    flag = next((pair[0].strip() for pair in pairs if pair[0].startswith("--")), pairs[0][0].strip() if pairs else "")
    off = next((pair[1].strip() for pair in pairs if len(pair) > 1), "")
    name = identifier(named or (flag or off).lower())
    prompts = keyword(call, "prompt") is not None and "default" not in keywords(call)
    made = Argument(
        name, kind, replace(spelling, flag=flag), required or prompts, None, _help(syntax, call), call.lineno, choices
    )
    if off or is_flag:
        made = replace(made, kind=bool, spelling=Spelling(flag, SWITCH, off))
        return [_defaulted(syntax, call, made, False)]
    if count:
        return [_defaulted(syntax, call, replace(made, kind=int, spelling=Spelling(flag, COUNT)), 0)]
    if multiple and nargs != 1:
        return [UnreadArgument(f"{flag}, which takes several groups of values", call.lineno, made.required)]
    if multiple or nargs != 1:
        made = replace(made, kind=list, spelling=Spelling(flag, REPEAT if multiple else WORDS))
    return [_defaulted(syntax, call, made)]


def _size(call: ast.Call) -> int:
    """The number of values of `type=(int, str)` or `type=click.Tuple([int, str])`; 0 for another type."""
    node = keyword(call, "type")
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Tuple") and node.args:
        node = node.args[0]
    return len(node.elts) if isinstance(node, (ast.Tuple, ast.List)) else 0


def _kind(syntax: Syntax, call: ast.Call) -> tuple[type, Spelling]:
    node = keyword(call, "type")
    if node is not None:
        kind = _KINDS.get(syntax.name(node.func if isinstance(node, ast.Call) else node), str)
        return kind, Spelling(form=TRUTH if kind is bool else VALUE)
    try:
        example = syntax.keyword_value(call, "default")
    except NotConstantError:
        example = None
    kind = type(example[0]) if isinstance(example, list) and example else type(example)
    return (kind if kind in (int, float, bool) else str), Spelling(form=TRUTH if kind is bool else VALUE)


def _defaulted(syntax: Syntax, call: ast.Call, made: Argument, otherwise: Any = None) -> Argument:
    try:
        return with_default(made, syntax.keyword_value(call, "default", otherwise))
    except NotConstantError:
        return made


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help")
    choices = _choices(syntax, call)
    shown = choices and not _takes_exactly(call)
    return f"{text} ({' or '.join(choices)})".strip() if shown else text


def _choices(syntax: Syntax, call: ast.Call) -> tuple[str, ...]:
    node = keyword(call, "type")
    if isinstance(node, ast.Call) and syntax.name(node.func) == "click.Choice" and node.args:
        with contextlib.suppress(NotConstantError, TypeError):
            return tuple(map(str, syntax.value(node.args[0])))
    return ()


def _takes_exactly(call: ast.Call) -> bool:
    """Whether click compares words with its choices as they are."""
    node = keyword(call, "type")
    return isinstance(node, ast.Call) and not any(one.arg == "case_sensitive" for one in node.keywords)
