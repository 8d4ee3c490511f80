"""Arguments of scripts that use tyro, read from the parameters of a function or the fields of a dataclass."""

from __future__ import annotations

import ast
from dataclasses import replace

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Level,
    Manner,
    ScriptArguments,
    UnreadArgument,
    identifier,
    merge,
    with_default,
)
from fairing_kfp.preprocess.arguments.dataclass_fields import (
    Field,
    default_value,
    fields_of,
    flat,
    is_enum,
    is_scalar,
    named_class,
)
from fairing_kfp.preprocess.arguments.hints import parameters
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import SWITCH, VALUE, WORDS, Spelling

_MANNER = Manner(joined=True)
_WITHOUT_ARGUMENT = {"tyro.conf.Suppress", "tyro.conf.SuppressFixed", "tyro.conf.Fixed"}
_Read = tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]


def uses_tyro(syntax: Syntax) -> bool:
    """Whether a script calls tyro."""
    return _call(syntax) is not None


def read_tyro(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the parameters or fields of what a script passes to tyro.

    Args:
        syntax: the script.
        command: the sub-command, if tyro receives several functions or classes.
    """
    call = _call(syntax)
    given = syntax.constant(call.args[0] if call.args else keyword(call, "f")) if call is not None else None
    if isinstance(given, ast.Dict):  # tyro.extras.subcommand_cli_from_dict
        commands = {str(getattr(key, "value", "?")): node for key, node in zip(given.keys, given.values, strict=True)}
        if command not in commands:
            return ScriptArguments(commands=tuple(commands), manner=_MANNER)
        inner, unread = _read(syntax, call, commands[command])
        return ScriptArguments((), unread, tuple(commands), (Level(command, inner),), manner=_MANNER)
    arguments, unread = _read(syntax, call, given)
    return ScriptArguments(arguments, unread, manner=_MANNER)


def _call(syntax: Syntax) -> ast.Call | None:
    names = ("tyro.cli", "tyro.extras.subcommand_cli_from_dict", "tyro.extras.overridable_config_cli")
    return next((call for call in syntax.calls() if syntax.name(call.func) in names), None)


def _read(syntax: Syntax, call: ast.Call | None, node: ast.expr | None) -> _Read:
    line = call.lineno if call is not None else 0
    cls, function = named_class(syntax, node), syntax.functions.get(syntax.name(node))
    has_config = call is not None and any(keyword(call, name) is not None for name in ("config", "prefix", "registry"))
    if has_config or (cls is None and function is None):
        return (), (UnreadArgument(f"those of {ast.unparse(node) if node else 'tyro'}", line),)
    if cls is not None:
        default = keyword(call, "default") if call is not None else None
        given = default.keywords if isinstance(default, ast.Call) else []
        fields = fields_of(syntax, cls, {item.arg: item.value for item in given if item.arg})
        if default is not None:  # an instance has a value for each field
            known = isinstance(default, ast.Call)
            fields = [
                replace(one, required=False, default=one.default if known else None) if isinstance(one, Field) else one
                for one in fields
            ]
        places = 0
    else:
        fields = _fields_of_function(syntax, function) if function is not None else []
        places = len(function.args.posonlyargs) if function is not None else 0
    made = [
        _argument(syntax, above, one, is_place=number < places)
        for number, (above, one) in enumerate(flat(syntax, fields))
    ]
    arguments, twice = merge(one for one in made if isinstance(one, Argument))
    return arguments, (*(one for one in made if isinstance(one, UnreadArgument)), *twice)


def _fields_of_function(
    syntax: Syntax, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> list[Field | UnreadArgument]:
    fields: list[Field | UnreadArgument] = [
        Field(
            one.name, one.hint, one.default, one.default is None, None, _dataclass(syntax, one.hint.name), "", one.line
        )
        for one in parameters(syntax, function)
    ]
    more = [found for found in (function.args.vararg, function.args.kwarg) if found]
    return [*fields, *(UnreadArgument(f"*{found.arg} of {function.name}", found.lineno) for found in more)]


def _dataclass(syntax: Syntax, name: str) -> ast.ClassDef | None:
    return None if is_enum(syntax, name) else syntax.classes.get(name)


def _argument(
    syntax: Syntax, above: tuple[str, ...], field: Field | UnreadArgument, *, is_place: bool
) -> Argument | UnreadArgument | None:
    if isinstance(field, UnreadArgument):
        return field
    marks = set(field.hint.marks)
    if marks & _WITHOUT_ARGUMENT:
        return None
    name = ".".join((*above, field.name)).replace("_", "-")
    for note in field.hint.notes:
        if syntax.name(note.func) == "tyro.conf.arg":
            try:
                renamed = syntax.keyword_value(note, "name")
            except NotConstantError:
                renamed = None
            name = ".".join((*above, renamed)).replace("_", "-") if renamed else name
    kind = field.hint.kind or str
    if not is_scalar(syntax, field):
        return UnreadArgument(f"--{name}, of the type {field.hint.name or 'dict'}", field.line, field.required)
    has_flags = kind is bool and not field.required and not field.hint.optional
    form = WORDS if kind is list else VALUE
    spelling = Spelling(f"--{name}", form, bare=not _is_fixed(field))
    if is_place or "tyro.conf.Positional" in marks:
        spelling = Spelling(form=form, bare=not field.required)
    elif has_flags and "tyro.conf.FlagConversionOff" not in marks:
        head, dot, last = name.rpartition(".")
        spelling = Spelling(f"--{name}", SWITCH, f"--{head}{dot}no-{last}")
    made = Argument(
        identifier(".".join((*above, field.name))), kind, spelling, field.required, None, field.help, field.line
    )
    return with_default(made, default_value(syntax, field, enums_by_name=True))


def _is_fixed(field: Field) -> bool:
    """Whether a list has a fixed number of items, as a tuple of several types."""
    return field.hint.name in ("tuple", "typing.Tuple")
