"""Arguments of scripts that use the flags of absl, or those of TensorFlow, which are the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fairing_kfp.preprocess.arguments.argparse_reader import read_argparse, takes_unknown, uses_argparse
from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Manner,
    ScriptArguments,
    UnreadArgument,
    identifier,
    merge,
    with_default,
)
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import COMMAS, REPEAT, SWITCH, TRUTH, VALUE, Spelling

_LIBRARIES = {"absl", "tensorflow", "gflags", "ml_collections"}
_FORMS: dict[str, tuple[type, str]] = {
    "string": (str, VALUE),
    "integer": (int, VALUE),
    "float": (float, VALUE),
    "bool": (bool, SWITCH),
    "boolean": (bool, SWITCH),
    "enum": (str, VALUE),
    "enum_class": (str, VALUE),
    "spaceseplist": (str, VALUE),
    "config_file": (str, VALUE),
    "list": (list, COMMAS),
    "multi": (list, REPEAT),
    "multi_string": (list, REPEAT),
    "multi_integer": (list, REPEAT),
    "multi_float": (list, REPEAT),
    "multi_enum": (list, REPEAT),
    "multi_enum_class": (list, REPEAT),
}
_MANNER = Manner(joined=True, truth=TRUTH, words=COMMAS)


def uses_absl(syntax: Syntax) -> bool:
    """Whether a script defines flags."""
    return any(True for _ in _definitions(syntax))


def read_absl(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the flags that a script defines, and the arguments of an argparse parser beside them.

    Modules that it imports may define further ones.

    Args:
        syntax: the script.
        command: a sub-command of the argparse parser.
    """
    required = _required(syntax)
    read = [one for kind, call in _definitions(syntax) for one in _read(syntax, kind, call, required)]
    flags = [one for one in read if isinstance(one, Argument)]
    unread = tuple(one for one in read if isinstance(one, UnreadArgument))
    if not uses_argparse(syntax):
        arguments, twice = merge(flags)
        return ScriptArguments(arguments, (*unread, *twice), dashes=False, accepts_more=True, manner=_MANNER)
    reading = read_argparse(syntax, command)
    # A parser that takes all of the command line leaves nothing to absl.
    if not (takes_unknown(syntax) or "absl.flags.argparse_flags" in _modules(syntax)):
        return reading
    arguments, twice = merge([*reading.arguments, *flags])
    return replace(
        reading,
        arguments=arguments,
        unread=(*reading.unread, *unread, *twice),
        accepts_more=True,
        manner=_MANNER,
    )


def _modules(syntax: Syntax) -> set[str]:
    return set(syntax.imported.values())


def _definitions(syntax: Syntax) -> Iterator[tuple[str, ast.Call]]:
    """The calls that define flags, each with the kind of flag: `string` for `flags.DEFINE_string`."""
    has_library = bool({name.partition(".")[0] for name in _modules(syntax)} & _LIBRARIES)
    for call in syntax.calls():
        owner, _, name = syntax.name(call.func).rpartition(".")
        is_flag = has_library or owner.endswith("flags")  # tf.app.flags, also if another module imports tf
        if is_flag and name.startswith("DEFINE_") and name != "DEFINE_alias":
            yield name.removeprefix("DEFINE_"), call


def _required(syntax: Syntax) -> set[str]:
    """The names of the flags that the script marks as required."""
    found: set[str] = set()
    for call in syntax.calls():
        name = syntax.name(call.func).rpartition(".")[2]
        if name in ("mark_flag_as_required", "mark_flags_as_required") and call.args:
            try:
                names = syntax.value(call.args[0])
            except NotConstantError:
                continue
            found |= {names} if isinstance(names, str) else set(names)
    return found


def _read(syntax: Syntax, kind: str, call: ast.Call, marked: set[str]) -> list[Argument | UnreadArgument]:
    def given(place: int, *names: str) -> ast.expr | None:
        found = next((node for name in names if (node := keyword(call, name)) is not None), None)
        return call.args[place] if found is None and len(call.args) > place else found

    try:
        name = syntax.value(node) if (node := given(0, "name", "flag_name")) is not None else ""
        required = bool(syntax.keyword_value(call, "required", False)) or name in marked
    except NotConstantError as error:
        return [UnreadArgument(f"a flag, whose {error} is computed", call.lineno)]
    if kind not in _FORMS or not isinstance(name, str) or not name:
        return [UnreadArgument(f"--{name}, a flag of DEFINE_{kind}", call.lineno, required)]
    default = given(1, "default", "default_value")
    text = given(3 if "enum" in kind else 2, "help", "docstring")
    found, form = _FORMS[kind]
    help_text = syntax.value(text) if isinstance(text, ast.Constant) else ""
    made = Argument(
        identifier(name),
        found,
        Spelling(f"--{name}", form, f"--no{name}" if form == SWITCH else ""),
        required and _default(syntax, kind, default) is None,
        None,
        " ".join(str(help_text or "").split()),
        call.lineno,
    )
    return [with_default(made, _default(syntax, kind, default))]


def _default(syntax: Syntax, kind: str, node: ast.expr | None) -> Any:
    """A flag's default; None if it has none, or only the script knows it."""
    if node is None or kind == "spaceseplist":
        return None
    if "enum_class" in kind:
        return node.attr if kind == "enum_class" and isinstance(node, ast.Attribute) else None
    try:
        value = syntax.value(node)
    except NotConstantError:
        return None
    if kind == "list" and isinstance(value, str):
        return value.split(",") if value and '"' not in value else None
    return [value] if kind.startswith("multi") and not isinstance(value, (list, type(None))) else value
