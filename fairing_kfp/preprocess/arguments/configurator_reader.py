"""Arguments of scripts that run `configurator.py`, as nanoGPT does: their global variables, as `--name=value`."""

from __future__ import annotations

import ast

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Manner,
    ScriptArguments,
    UnreadArgument,
    identifier,
    with_default,
)
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax
from fairing_kfp.runtime.command_line import VALUE, Spelling

_MANNER = Manner(joined=True, truth=VALUE, words=VALUE)


def uses_configurator(syntax: Syntax) -> bool:
    """Whether a script runs the text of another file, which may read the command line."""
    return _executed(syntax) is not None


def read_configurator(syntax: Syntax) -> ScriptArguments:
    """Reads the global variables that `configurator.py` sets from the command line.

    Args:
        syntax: the script.
    """
    found = _executed(syntax)
    if found is None:
        return ScriptArguments()
    call, name = found
    if name.rpartition("/")[2] != "configurator.py":
        what = f"those that {name} reads, which the script runs"
        return ScriptArguments(unread=(UnreadArgument(what, call.lineno),), dashes=False, accepts_more=True)
    arguments = {}
    for node in syntax.tree.body:
        if (node.end_lineno or 0) >= call.lineno:
            break
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            try:
                value = syntax.value(node.value)
            except NotConstantError:
                continue
            if isinstance(value, (bool, int, float, str)) and not target.id.startswith("_"):
                made = Argument(identifier(target.id), type(value), Spelling(f"--{target.id}", VALUE), line=node.lineno)
                arguments[target.id] = with_default(made, value)
    return ScriptArguments(tuple(arguments.values()), dashes=False, accepts_more=True, manner=_MANNER)


def _executed(syntax: Syntax) -> tuple[ast.Call, str] | None:
    """The call of `exec` of another file, and that file's name."""
    for call in syntax.calls():
        if syntax.name(call.func) == "exec" and call.args:
            reads = [one for one in ast.walk(call.args[0]) if isinstance(one, ast.Call)]
            for one in reads:
                if syntax.name(one.func) in ("open", "io.open", "pathlib.Path") and one.args:
                    try:
                        return call, str(syntax.value(one.args[0]))
                    except NotConstantError:
                        return call, ast.unparse(one.args[0])
    return None
