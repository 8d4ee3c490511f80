"""Arguments of `HfArgumentParser` of transformers, read from the fields of dataclasses."""

from __future__ import annotations

import ast

from fairing_kfp.preprocess.arguments.argument import Argument, UnreadArgument, identifier, with_default
from fairing_kfp.preprocess.arguments.dataclass_fields import Field, default_value, fields_of, named_class
from fairing_kfp.preprocess.arguments.syntax import Syntax, keyword
from fairing_kfp.runtime.command_line import TRUTH, VALUE, WORDS, Spelling


def read_huggingface(syntax: Syntax, call: ast.Call) -> list[Argument | UnreadArgument]:
    """The arguments of the dataclasses that an `HfArgumentParser` is made of.

    Args:
        syntax: the script.
        call: the call that makes it.
    """
    given = syntax.constant(call.args[0] if call.args else keyword(call, "dataclass_types"))
    nodes = given.elts if isinstance(given, (ast.Tuple, ast.List)) else [given] if given is not None else []
    found: list[Argument | UnreadArgument] = []
    for node in nodes:
        cls = named_class(syntax, node)
        if cls is None:
            what = f"the fields of {ast.unparse(node)}, which is defined elsewhere"
            found.append(UnreadArgument(what, call.lineno))
            continue
        found += [one if isinstance(one, UnreadArgument) else _argument(syntax, one) for one in fields_of(syntax, cls)]
    return found


def _argument(syntax: Syntax, field: Field) -> Argument:
    """A field as an option; a bool without a default is False."""
    kind = field.hint.kind or str
    form = TRUTH if kind is bool else WORDS if kind is list else VALUE
    kind = str if kind is dict else kind
    is_off = kind is bool and field.required and not field.hint.optional
    made = Argument(
        identifier(field.name),
        kind,
        Spelling(f"--{field.name}", form),
        field.required and not is_off,
        None,
        field.help,
        field.line,
    )
    return with_default(made, False if is_off else default_value(syntax, field, enums_by_name=False))
