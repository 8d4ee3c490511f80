"""Arguments of scripts that use LightningCLI: those of the classes that it makes, and its own sub-commands."""

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
    with_default,
)
from fairing_kfp.preprocess.arguments.dataclass_fields import named_class
from fairing_kfp.preprocess.arguments.hints import Parameter, parameters
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import TRUTH, VALUE, Spelling

_COMMANDS = ("fit", "validate", "test", "predict")
_MANNER = Manner(joined=True, truth=TRUTH, words=VALUE)
_CLASSES = (("model", "model_class"), ("data", "datamodule_class"))


def uses_lightning(syntax: Syntax) -> bool:
    """Whether a script calls LightningCLI, or a subclass of it."""
    return _call(syntax) is not None


def read_lightning(syntax: Syntax, command: str = "") -> ScriptArguments:
    """Reads the parameters of the model and the data module, if the script defines them.

    The arguments of the trainer, and of classes that are defined elsewhere, can be declared.

    Args:
        syntax: the script.
        command: the sub-command, such as `fit`.
    """
    call = _call(syntax)
    if call is None:
        return ScriptArguments(manner=_MANNER)
    arguments: list[Argument] = []
    for place, (prefix, name) in enumerate(_CLASSES):
        node = call.args[place] if len(call.args) > place else keyword(call, name)
        cls = named_class(syntax, node)
        if cls is not None:
            arguments += _of_class(syntax, cls, prefix)
    reading = ScriptArguments(
        unread=(UnreadArgument("those of the trainer, such as --trainer.max_epochs", call.lineno),), manner=_MANNER
    )
    runs = keyword(call, "run")
    if isinstance(runs, ast.Constant) and runs.value is False:
        return replace(reading, arguments=tuple(arguments))
    levels = (Level(command, tuple(arguments)),) if command in _COMMANDS else ()
    return replace(reading, commands=_COMMANDS, levels=levels)


def _call(syntax: Syntax) -> ast.Call | None:
    for call in syntax.calls():
        cls = named_class(syntax, call.func)
        names = [syntax.name(call.func), *(syntax.name(base) for base in (cls.bases if cls is not None else ()))]
        if any(name.rpartition(".")[2] == "LightningCLI" for name in names):
            return call
    return None


def _of_class(syntax: Syntax, cls: ast.ClassDef, prefix: str) -> list[Argument]:
    made = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return [_argument(syntax, one, prefix) for node in made for one in parameters(syntax, node, method=True)]


def _argument(syntax: Syntax, parameter: Parameter, prefix: str) -> Argument:
    name = f"{prefix}.{parameter.name}"
    try:
        default = syntax.value(parameter.default) if parameter.default is not None else None
    except NotConstantError:
        default = None
    kind = parameter.hint.kind or (type(default) if isinstance(default, (bool, int, float, list)) else str)
    spelling = Spelling(f"--{name}", TRUTH if kind is bool else VALUE)
    required = parameter.default is None
    return with_default(Argument(identifier(name), kind, spelling, required, line=parameter.line), default)
