"""Arguments of scripts that use fire, read from the parameters of a function, or of a class and its method."""

from __future__ import annotations

import ast
from dataclasses import replace

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Level,
    Manner,
    ScriptArguments,
    UnreadArgument,
    drop_clashes,
    identifier,
    with_default,
)
from fairing_kfp.preprocess.arguments.hints import Parameter, parameters
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import LITERAL, Spelling

_MANNER = Manner(joined=True, value=LITERAL, truth=LITERAL, words=LITERAL)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def uses_fire(syntax: Syntax) -> bool:
    """Whether a script calls fire."""
    return _call(syntax) is not None


def read_fire(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the parameters of the function or class passed to fire.

    Args:
        syntax: the script.
        command: the method or function to run, if fire receives a class, several functions or the whole file.
    """
    return replace(_reading(syntax, command), dashes=False, manner=_MANNER)


def _reading(syntax: Syntax, command: str) -> ScriptArguments:
    call = _call(syntax)
    given = (call.args[0] if call.args else keyword(call, "component")) if call else None
    if isinstance(given, ast.Call):  # an instance: fire.Fire(Trainer())
        given = given.func
    name = syntax.name(given)
    if name in syntax.functions:
        return ScriptArguments(*_arguments(syntax, syntax.functions[name]))
    if name in syntax.classes:
        return _of_class(syntax, syntax.classes[name], command)
    functions: dict[str, _Function] = {}
    if given is None:
        functions = {name: function for name, function in syntax.functions.items() if not name.startswith("_")}
    elif isinstance(given, ast.Dict):
        for key, node in zip(given.keys, given.values, strict=True):
            if isinstance(key, ast.Constant) and syntax.name(node) in syntax.functions:
                functions[str(key.value)] = syntax.functions[syntax.name(node)]
    else:
        return ScriptArguments(unread=(UnreadArgument(f"fire.Fire({ast.unparse(given)})", given.lineno),))
    if command not in functions:
        return ScriptArguments(commands=tuple(functions))
    inner, unread = _arguments(syntax, functions[command])
    return ScriptArguments((), unread, tuple(functions), (Level(command, inner),))


def _of_class(syntax: Syntax, cls: ast.ClassDef, command: str) -> ScriptArguments:
    """The parameters of a class's constructor, and of the method as a sub-command."""
    methods = {node.name: node for node in cls.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    fields = [node for node in cls.body if isinstance(node, ast.AnnAssign)]
    public = tuple(name for name in methods if not name.startswith("_"))
    outer, unread = _arguments(syntax, methods["__init__"], method=True) if "__init__" in methods else ((), ())
    if fields and "__init__" not in methods and any("dataclass" in ast.unparse(node) for node in cls.decorator_list):
        unread = (UnreadArgument(f"the fields of {cls.name}", fields[0].lineno),)
    if command not in methods:
        return ScriptArguments(outer, unread, public)
    inner, more = _arguments(syntax, methods[command], method=True)
    kept, clash = drop_clashes(outer, inner, command)
    return ScriptArguments(outer, (*unread, *more, *clash), public, (Level(command, kept),))


def _arguments(
    syntax: Syntax, function: _Function, *, method: bool = False
) -> tuple[tuple[Argument, ...], tuple[UnreadArgument, ...]]:
    read = tuple(_read(syntax, parameter) for parameter in parameters(syntax, function, method=method))
    more = [found for found in (function.args.vararg, function.args.kwarg) if found]
    return read, tuple(UnreadArgument(f"*{found.arg} of {function.name}", found.lineno) for found in more)


def _read(syntax: Syntax, parameter: Parameter) -> Argument:
    flag = f"--{parameter.name}"
    try:
        default = syntax.value(parameter.default) if parameter.default is not None else None
    except NotConstantError:
        default = None
    kind = parameter.hint.kind or (type(default) if isinstance(default, (bool, int, float, list, dict)) else str)
    made = Argument(
        identifier(parameter.name),
        kind,
        Spelling(flag, LITERAL),
        parameter.default is None,
        line=parameter.line,
    )
    return with_default(made, default)


def _call(syntax: Syntax) -> ast.Call | None:
    return next((call for call in syntax.calls() if syntax.name(call.func) in ("fire.Fire", "fire.core.Fire")), None)
