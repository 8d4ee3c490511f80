"""One call of argparse's `add_argument` → the argument that it adds."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from fairing_kfp.preprocess.arguments.reading import Argument, Unread, identifier, with_default
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
_WITHOUT_VALUE = ("help", "version")
_ADDS_WORDS = ("append", "extend")


def given(syntax: Syntax, call: ast.Call, name: str) -> Any:
    """The value of a call's keyword; None when it is computed."""
    try:
        return syntax.given(call, name)
    except Unknown:
        return None


def read_argument(syntax: Syntax, call: ast.Call, prefixes: str) -> list[Argument | Unread]:
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
        required = bool(given(syntax, call, "required"))
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
    if default and (made.spelling.form in (COUNT, REPEAT) or given(syntax, call, "action") == "extend"):
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
        if kind is dict and isinstance(from_json(given(syntax, call, "default")), list):
            kind = list
        return kind, FILLED if kind is bool else VALUE
    if function is not None and function.returns is not None:
        kind = _KINDS.get(syntax.name(function.returns), str)
        return kind, TRUTH if kind is bool else VALUE
    return (bool, TRUTH) if "bool" in name.lower() else (str, VALUE)


def _kind_of_default(syntax: Syntax, call: ast.Call) -> type:
    """Without `type=` argparse passes text; but a default or choices that are numbers say what is meant."""
    choices = given(syntax, call, "choices")
    example = choices[0] if isinstance(choices, list) and choices else given(syntax, call, "default")
    kind = type(example)
    return kind if kind in (int, float) else str


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help").replace("%%", "%")
    choices = given(syntax, call, "choices")
    return f"{text} ({' or '.join(map(str, choices))})".strip() if isinstance(choices, list) else text
