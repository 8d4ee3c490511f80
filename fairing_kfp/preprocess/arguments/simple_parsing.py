"""Arguments of simple_parsing, read from the fields of dataclasses."""

from __future__ import annotations

import ast
from dataclasses import replace

from fairing_kfp.preprocess.arguments.argument import Argument, UnreadArgument, identifier, with_default
from fairing_kfp.preprocess.arguments.dataclass_fields import (
    Field,
    default_value,
    fields_of,
    flat,
    is_scalar,
    named_class,
)
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import TRUTH, VALUE, WORDS, Spelling

_OTHER_NAMES = ("argument_generation_mode", "nested_mode", "conflict_resolution", "add_option_string_dash_variants")
"""Options that change the names of arguments."""


class SimpleFields:
    """The dataclasses that a script adds to parsers of simple_parsing.

    Attributes:
        used: whether the script uses simple_parsing.
    """

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self.used = any(name.partition(".")[0] == "simple_parsing" for name in syntax.imported.values())
        calls = [call for call in syntax.calls() if self.used]
        self._plain = not any(keyword(call, name) is not None for call in calls for name in _OTHER_NAMES)
        self._read: list[tuple[ast.Call, tuple[str, ...], Field | UnreadArgument]] = []
        for call in calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "add_arguments":
                self._read += self._fields(call)

    def added(self, call: ast.Call) -> list[Argument | UnreadArgument]:
        """The arguments that a call of `add_arguments` adds."""
        return self._arguments([(above, field) for where, above, field in self._read if where is call], self._read)

    def parsed(self, call: ast.Call) -> list[Argument | UnreadArgument]:
        """The arguments of a call of `simple_parsing.parse`."""
        read = self._fields(call)
        return self._arguments([(above, field) for _, above, field in read], read)

    def _fields(self, call: ast.Call) -> list[tuple[ast.Call, tuple[str, ...], Field | UnreadArgument]]:
        names = ("dataclass", "config_class")
        node = call.args[0] if call.args else next((one for name in names if (one := keyword(call, name))), None)
        destination = call.args[1] if len(call.args) > 1 else keyword(call, "dest")
        cls = named_class(self._syntax, node)
        if cls is None or not self._plain or keyword(call, "prefix") is not None:
            what = f"the fields of {ast.unparse(node) if node is not None else 'a dataclass'}"
            return [(call, (), UnreadArgument(what, call.lineno))]
        try:
            top = str(self._syntax.value(destination)) if destination is not None else "config"
        except NotConstantError:
            top = "config"
        default = keyword(call, "default")
        given = default.keywords if isinstance(default, ast.Call) else []
        fields = fields_of(self._syntax, cls, {item.arg: item.value for item in given if item.arg})
        if default is not None:  # an instance has a value for each field
            fields = [replace(one, required=False) if isinstance(one, Field) else one for one in fields]
        return [(call, (top, *above), field) for above, field in flat(self._syntax, fields)]

    def _arguments(
        self,
        read: list[tuple[tuple[str, ...], Field | UnreadArgument]],
        everything: list[tuple[ast.Call, tuple[str, ...], Field | UnreadArgument]],
    ) -> list[Argument | UnreadArgument]:
        paths = [(*above, field.name) for _, above, field in everything if isinstance(field, Field)]
        found: list[Argument | UnreadArgument] = []
        for above, field in read:
            if isinstance(field, UnreadArgument):
                found.append(field)
            elif getattr(field.option("cmd"), "value", True) is not False:
                found.append(self._argument(_unique((*above, field.name), paths), field))
        return found

    def _argument(self, name: str, field: Field) -> Argument | UnreadArgument:
        kind = field.hint.kind or str
        if field.called("subgroups", "subparsers") or not is_scalar(self._syntax, field):
            return UnreadArgument(f"--{name}, of the type {field.hint.name or 'dict'}", field.line, field.required)
        form = TRUTH if kind is bool else WORDS if kind is list else VALUE
        is_place = getattr(field.option("positional"), "value", False) is True
        made = Argument(
            identifier(name),
            kind,
            Spelling("" if is_place else f"--{name}", form, bare=not field.required),
            field.required,
            None,
            field.help,
            field.line,
        )
        return with_default(made, default_value(self._syntax, field, enums_by_name=True))


def _unique(path: tuple[str, ...], paths: list[tuple[str, ...]]) -> str:
    """The shortest end of a path that no other has, as simple_parsing names arguments of the same name."""
    for length in range(1, len(path)):
        end = path[-length:]
        if sum(other[-length:] == end for other in paths) == 1:
            return ".".join(end)
    return ".".join(path)
