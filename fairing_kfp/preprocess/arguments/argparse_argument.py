"""A call of argparse's `add_argument` → an argument."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from fairing_kfp.preprocess.arguments.argument import Argument, UnreadArgument, identifier, with_default
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, from_json, keyword, keywords
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
_WITHOUT_VALUE = ("help", "version")
_ADDS_WORDS = ("append", "extend")


def keyword_or_none(syntax: Syntax, call: ast.Call, name: str) -> Any:
    """The value of a keyword argument; None if it is computed."""
    try:
        return syntax.keyword_value(call, name)
    except NotConstantError:
        return None


def read_argument(syntax: Syntax, call: ast.Call, prefixes: str) -> list[Argument | UnreadArgument]:
    """Reads a call of `add_argument`; nothing for `--help` and `--version`."""
    try:
        names = syntax.strings(call)
        action, dest, required = (
            _action(syntax, call),
            syntax.keyword_value(call, "dest"),
            syntax.keyword_value(call, "required", False),
        )
        nargs = _nargs(syntax, call)
    except NotConstantError as error:
        required = bool(keyword_or_none(syntax, call, "required"))
        return [UnreadArgument(f"add_argument(…), whose {error} is computed", call.lineno, required)]
    if action in _WITHOUT_VALUE:
        return []
    if not names and dest:
        names = [dest]
    if not names or any(item.arg is None for item in call.keywords):
        return [
            UnreadArgument(f"add_argument({', '.join(names)}), whose options are computed", call.lineno, bool(required))
        ]
    flags = [name for name in names if name[0] in prefixes]
    flag = next((name for name in flags if len(name) > 2 and name[1] in prefixes), flags[0] if flags else "")
    name = identifier(dest or flag or names[0])
    is_required = bool(required) if flag else nargs not in ("?", "*", "...") and "default" not in keywords(call)
    kind, form = _kind(syntax, call)
    choices = _choices(syntax, call)
    made = Argument(name, kind, Spelling(flag, form), is_required, None, _help(syntax, call), call.lineno, choices)
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
        return [UnreadArgument(f"{made.shown}, whose action={action} is not supported", call.lineno, made.required)]
    return [_defaulted(syntax, call, made)]


def _defaulted(syntax: Syntax, call: ast.Call, made: Argument, otherwise: Any = None) -> Argument:
    try:
        default = syntax.keyword_value(call, "default", otherwise)
    except NotConstantError:
        return made
    if default and (made.spelling.form in (COUNT, REPEAT) or keyword_or_none(syntax, call, "action") == "extend"):
        return made  # values are added to the default
    return with_default(made, from_json(default) if made.kind in (dict, list) else default)


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
    """The type of one value, and its form."""
    node = keyword(call, "type")
    if node is None:
        return _kind_of_default(syntax, call), VALUE
    name = syntax.name(node.func if isinstance(node, ast.Call) else node)
    function = syntax.functions.get(name)
    if name in _KINDS:
        kind = _KINDS[name]
        if kind is dict and isinstance(from_json(keyword_or_none(syntax, call, "default")), list):
            kind = list
        return kind, FILLED if kind is bool else VALUE
    if function is not None and function.returns is not None:
        kind = _KINDS.get(syntax.name(function.returns), str)
        return kind, TRUTH if kind is bool else VALUE
    return (bool, TRUTH) if "bool" in name.lower() else (str, VALUE)


def _kind_of_default(syntax: Syntax, call: ast.Call) -> type:
    """The type of the default or of the choices. argparse itself passes strings if there is no `type=`."""
    choices = keyword_or_none(syntax, call, "choices")
    example = choices[0] if isinstance(choices, list) and choices else keyword_or_none(syntax, call, "default")
    kind = type(example)
    return kind if kind in (int, float) else str


def _choices(syntax: Syntax, call: ast.Call) -> tuple[str | int | float, ...]:
    """The choices, unless a function of the script makes them of other words."""
    node = keyword(call, "type")
    choices = keyword_or_none(syntax, call, "choices")
    if not isinstance(choices, list) or (node is not None and syntax.name(node) not in ("str", "int", "float")):
        return ()
    return tuple(choices) if all(type(one) in (str, int, float) for one in choices) else ()


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help").replace("%%", "%")
    choices = keyword_or_none(syntax, call, "choices")
    shown = isinstance(choices, list) and not _choices(syntax, call)
    return f"{text} ({' or '.join(map(str, choices))})".strip() if shown else text
