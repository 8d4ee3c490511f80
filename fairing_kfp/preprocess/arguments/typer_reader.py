"""The arguments of scripts that use typer: the parameters of a command's function."""

from __future__ import annotations

import ast

from fairing_kfp.preprocess.arguments.commands import Command, chosen
from fairing_kfp.preprocess.arguments.hints import Parameter, parameters
from fairing_kfp.preprocess.arguments.reading import Argument, Reading, Unread, identifier, with_default
from fairing_kfp.preprocess.arguments.syntax import Syntax, Unknown, keyword
from fairing_kfp.runtime.command_line import COUNT, REPEAT, SWITCH, TRUTH, VALUE, WORDS, Spelling

_DECLARATIONS = ("typer.Option", "typer.Argument")
_INTERNAL = ("typer.Context", "click.Context", "typer.CallbackParam")


def uses_typer(syntax: Syntax) -> bool:
    """Whether a script has commands of typer."""
    return "typer" in {name.split(".")[0] for name in syntax.imported.values()} and bool(_commands(syntax))


def read_typer(syntax: Syntax, command: str = "") -> Reading:
    """Reads the parameters of the function that typer runs.

    Args:
        syntax: the script.
        command: the command's name, where there are several.
    """
    commands = _commands(syntax)
    group = next((one for one in commands if one.is_group), None)
    inside = [one for one in commands if not one.is_group]
    if group is not None and not inside:  # a callback that does all
        return Reading(*_read_all(syntax, group))
    outer, unread = _read_all(syntax, group) if group else ((), ())
    one = inside[0] if len(inside) == 1 and group is None else chosen(syntax, inside, command) if command else None
    if one is None:
        return Reading(outer, unread, tuple(other.name for other in inside))
    inner, more = _read_all(syntax, one)
    if len(inside) == 1 and group is None:
        return Reading(inner, more)
    names = {argument.name for argument in outer}
    kept = tuple(argument for argument in inner if argument.name not in names)
    return Reading(outer, (*unread, *more), tuple(other.name for other in inside), (one.name,), kept)


def _commands(syntax: Syntax) -> list[Command]:
    """The function that `typer.run` is given, or those that an app has."""
    for call in syntax.calls():
        if syntax.name(call.func) == "typer.run" and call.args:
            function = syntax.functions.get(syntax.name(call.args[0]))
            if function:
                return [Command(function.name, function)]
    found = []
    for function in syntax.functions.values():
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                kind = decorator.func.attr
                if kind in ("command", "callback"):
                    found.append(Command(_name(syntax, decorator, function.name), function, kind == "callback"))
    return found


def _name(syntax: Syntax, call: ast.Call, function: str) -> str:
    try:
        named = syntax.given(call, "name") or (syntax.strings(call) or [""])[0]
    except Unknown:
        named = ""
    return str(named) or function.replace("_", "-")


def _read_all(syntax: Syntax, command: Command) -> tuple[tuple[Argument, ...], tuple[Unread, ...]]:
    read = [
        _read(syntax, parameter)
        for parameter in parameters(syntax, command.function)
        if parameter.hint.name not in _INTERNAL
    ]
    return (
        tuple(item for item in read if isinstance(item, Argument)),
        tuple(item for item in read if isinstance(item, Unread)),
    )


def _read(syntax: Syntax, parameter: Parameter) -> Argument | Unread:
    """The argument that a parameter is; typer makes an option of one that has a default."""
    hint, default = parameter.hint, parameter.default
    note = next((call for call in hint.notes if syntax.name(call.func) in _DECLARATIONS), None)
    declared: list[ast.expr] = list(note.args) if note else []
    if isinstance(default, ast.Call) and syntax.name(default.func) in _DECLARATIONS:
        note, declared = default, default.args[1:]
        default = default.args[0] if default.args else keyword(default, "default")
    if isinstance(default, ast.Constant) and default.value is ...:
        default = None
    is_option = syntax.name(note.func) == "typer.Option" if note else default is not None
    is_computed = note is not None and keyword(note, "default_factory") is not None
    required = default is None and not is_computed and not (hint.optional and not note and not is_option)
    shown = parameter.name
    try:
        names = [str(syntax.value(node)) for node in declared]
        count = bool(note and syntax.given(note, "count", False))
    except Unknown as error:
        return Unread(f"{shown}, whose {error} is computed", parameter.line, required)
    kind = hint.kind or _kind_of(syntax, default)
    made = Argument(
        identifier(parameter.name),
        kind,
        _spelling(parameter.name, kind, names, count=count) if is_option else _place(kind),
        required,
        None,
        syntax.text(note, "help") if note else "",
        parameter.line,
    )
    if default is None:
        return made
    try:
        return with_default(made, syntax.value(default))
    except Unknown:
        return made


def _kind_of(syntax: Syntax, default: ast.expr | None) -> type:
    try:
        found = syntax.value(default) if default is not None else ""
    except Unknown:
        return str
    return type(found) if isinstance(found, (bool, int, float, list)) else str


def _place(kind: type) -> Spelling:
    return Spelling(form=WORDS if kind is list else TRUTH if kind is bool else VALUE)


def _spelling(name: str, kind: type, names: list[str], *, count: bool) -> Spelling:
    long = next((flag for flag in names if flag.startswith("--")), names[0] if names else "")
    flag = long or f"--{name.replace('_', '-')}"
    if count:
        return Spelling(flag, COUNT)
    if kind is bool:
        yes, slash, no = flag.partition("/")
        return Spelling(yes, SWITCH, no if slash or long else f"--no-{yes[2:]}")
    return Spelling(flag, REPEAT if kind is list else VALUE)
