"""Arguments of scripts that use typer, read from the parameters of a command."""

from __future__ import annotations

import ast

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    ScriptArguments,
    UnreadArgument,
    identifier,
    with_default,
)
from fairing_kfp.preprocess.arguments.commands import Command, Function, Read, command_name, read_commands
from fairing_kfp.preprocess.arguments.hints import Hint, Parameter, parameters
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import COUNT, REPEAT, SWITCH, TRUTH, VALUE, WORDS, Spelling

_DECLARATIONS = ("typer.Option", "typer.Argument")
_INTERNAL = ("typer.Context", "click.Context", "typer.CallbackParam")


def uses_typer(syntax: Syntax) -> bool:
    """Whether a script has typer commands."""
    return "typer" in {name.split(".")[0] for name in syntax.imported.values()} and _root(syntax) is not None


def read_typer(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the parameters of a typer command.

    Args:
        syntax: the script.
        command: the words of a command; empty if there is only one.
    """
    root = _root(syntax) or Command("")
    if root.function is None and len(root.children) == 1 and not root.children[0].children and root.needs_command:
        root = root.children[0]  # an app with a single command takes no word for it
    return read_commands(root, command, lambda function: _read_all(syntax, function))


def _root(syntax: Syntax) -> Command | None:
    """The function passed to `typer.run`, or the app that is in no other."""
    for call in syntax.calls():
        if syntax.name(call.func) == "typer.run" and call.args:
            function = syntax.functions.get(syntax.name(call.args[0]))
            if function:
                return Command("", function)
    apps = _apps(syntax)
    _add_functions(syntax, apps)
    _add_apps(syntax, apps)
    roots = [app for app in apps.values() if app.is_root and (app.children or app.function)]
    return roots[0] if roots else None


def _add_functions(syntax: Syntax, apps: dict[str, Command]) -> None:
    """Adds the functions that decorators make commands or callbacks, also as `app.command()(function)`."""
    decorated = [(one, decorator) for one in syntax.functions.values() for decorator in one.decorator_list]
    for call in syntax.calls():
        function = syntax.functions.get(syntax.name(call.args[0])) if call.args else None
        if isinstance(call.func, ast.Call) and function is not None:
            decorated.append((function, call.func))
    for function, decorator in decorated:
        made = decorator if isinstance(decorator, ast.Call) else None
        owner, _, kind = syntax.name(made.func if made else decorator).rpartition(".")
        if owner and kind in ("command", "callback"):
            app = apps.setdefault(owner, Command(""))
            if kind == "command":
                app.add(Command(command_name(syntax, made, function.name), function))
            else:
                app.function = function
                app.needs_command = app.needs_command and not _may_run_alone(made)


def _add_apps(syntax: Syntax, apps: dict[str, Command]) -> None:
    """Adds apps to others; the commands of one without a name become those of the other."""
    for call in syntax.calls():
        owner, _, method = syntax.name(call.func).rpartition(".")
        child = apps.get(syntax.name(call.args[0])) if call.args else None
        if method == "add_typer" and owner in apps and child is not None:
            child.word = syntax.text(call, "name") or child.word
            if child.word:
                apps[owner].add(child)
            else:
                child.is_root = False
                for command in child.children:
                    apps[owner].add(command)


def _apps(syntax: Syntax) -> dict[str, Command]:
    """The apps of a script by the names of their variables."""
    apps = {}
    for name, value in syntax.constants.items():
        if isinstance(value, ast.Call) and syntax.name(value.func).rpartition(".")[2] == "Typer":
            apps[name] = Command(syntax.text(value, "name"), needs_command=not _may_run_alone(value))
    return apps


def _may_run_alone(call: ast.Call | None) -> bool:
    return call is not None and bool(getattr(keyword(call, "invoke_without_command"), "value", False))


def _read_all(syntax: Syntax, function: Function) -> Read:
    read = [_read(syntax, one) for one in parameters(syntax, function) if one.hint.name not in _INTERNAL]
    return (
        tuple(item for item in read if isinstance(item, Argument)),
        tuple(item for item in read if isinstance(item, UnreadArgument)),
    )


def _read(syntax: Syntax, parameter: Parameter) -> Argument | UnreadArgument:
    """The argument of a parameter; with a default it is an option."""
    hint, default = parameter.hint, syntax.constant(parameter.default)
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
        count = bool(note and syntax.keyword_value(note, "count", False))
    except NotConstantError as error:
        return UnreadArgument(f"{shown}, whose {error} is computed", parameter.line, required)
    kind = hint.kind or _kind_of(syntax, default)
    made = Argument(
        identifier(parameter.name),
        kind,
        _spelling(parameter.name, hint, kind, names, count=count) if is_option else _place(kind, required=required),
        required,
        None,
        syntax.text(note, "help") if note else "",
        parameter.line,
    )
    if default is None:
        return made
    try:
        value = syntax.value(default)
    except NotConstantError:
        return made
    return made if isinstance(value, list) and None in value else with_default(made, value)


def _kind_of(syntax: Syntax, default: ast.expr | None) -> type:
    try:
        found = syntax.value(default) if default is not None else ""
    except NotConstantError:
        return str
    return type(found) if isinstance(found, (bool, int, float, list)) else str


def _place(kind: type, *, required: bool) -> Spelling:
    return Spelling(form=WORDS if kind is list else TRUTH if kind is bool else VALUE, bare=not required)


def _spelling(name: str, hint: Hint, kind: type, names: list[str], *, count: bool) -> Spelling:
    long = next((flag for flag in names if flag.startswith(("--", "/"))), names[0] if names else "")
    flag = long or f"--{name.replace('_', '-')}"
    if count:
        return Spelling(flag, COUNT)
    if kind is bool:
        pairs = [one.partition("/") for one in names]
        yes = next((pair[0].strip() for pair in pairs if pair[0].startswith("--")), flag.partition("/")[0].strip())
        no = next((pair[2].strip() for pair in pairs if pair[2]), "")
        return Spelling(yes, SWITCH, no if names else f"--no-{yes[2:]}")
    if kind is list:
        return Spelling(flag, WORDS if hint.name in ("tuple", "typing.Tuple") else REPEAT)
    return Spelling(flag, VALUE)
