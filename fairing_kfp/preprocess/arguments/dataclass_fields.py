"""The fields of a script's dataclasses, which some parsers make arguments of."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.arguments.argument import UnreadArgument
from fairing_kfp.preprocess.arguments.hints import Hint, hint
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, from_json, keyword

_FIELDS = ("field", "mutable_field", "list_field", "choice", "flag", "HfArg", "Field", "subgroups", "subparsers")
_EMPTY = {"list": ast.List([], ast.Load()), "dict": ast.Dict([], []), "tuple": ast.Tuple([], ast.Load())}
_WITHOUT_FIELDS = (
    "object",
    "ABC",
    "Generic",
    "Protocol",
    "BaseModel",
    "Serializable",
    "FrozenSerializable",
    "NamedTuple",
)
_SCALARS = {"", "str", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.PathLike", "typing.Any"}
_ENUMS = ("Enum", "StrEnum", "IntEnum")


@dataclass(frozen=True)
class Field:
    """A field of a dataclass.

    Attributes:
        name: its name.
        hint: its type.
        default: its default; None if it has none, or a factory computes it.
        required: whether it has no default.
        options: the call of `field(…)` or another function that describes it.
        nested: the dataclass of the script that is its type.
        help: its description.
        line: its line in the source.
    """

    name: str
    hint: Hint
    default: ast.expr | None
    required: bool
    options: ast.Call | None
    nested: ast.ClassDef | None
    help: str
    line: int

    def option(self, name: str) -> ast.expr | None:
        """The expression of an option of `field(…)`."""
        return keyword(self.options, name) if self.options is not None else None

    def called(self, *functions: str) -> bool:
        """Whether one of these functions describes it."""
        return self.options is not None and ast.unparse(self.options.func).rpartition(".")[2] in functions


def named_class(syntax: Syntax, node: ast.expr | None) -> ast.ClassDef | None:
    """The class of the script that an expression names."""
    return syntax.classes.get(syntax.name(node)) if node is not None else None


def fields_of(
    syntax: Syntax, cls: ast.ClassDef, defaults: Mapping[str, ast.expr] | None = None
) -> list[Field | UnreadArgument]:
    """The fields of a dataclass, those of its bases first; unread ones for bases that are defined elsewhere.

    Args:
        syntax: the script.
        cls: the class.
        defaults: defaults that replace those of the class.
    """
    found: dict[str, Field | UnreadArgument] = {}
    for base in reversed(cls.bases):
        name = syntax.name(base.value if isinstance(base, ast.Subscript) else base)
        if name in syntax.classes and name != cls.name:
            for one in fields_of(syntax, syntax.classes[name]):
                found[one.name if isinstance(one, Field) else one.what] = one
        elif name.rpartition(".")[2] not in _WITHOUT_FIELDS:
            what = f"the fields of {name or ast.unparse(base)}, which is defined elsewhere"
            found[what] = UnreadArgument(what, cls.lineno)
    for node, later in zip(cls.body, [*cls.body[1:], None], strict=True):
        field = _field(syntax, node, later) if isinstance(node, ast.AnnAssign) else None
        if field is not None:
            found[field.name] = field
    given = defaults or {}
    return [
        replace(one, default=given[one.name], required=False) if isinstance(one, Field) and one.name in given else one
        for one in found.values()
    ]


def default_value(syntax: Syntax, field: Field, *, enums_by_name: bool) -> Any:
    """A field's default; None if it has none, or only the script knows it.

    Args:
        syntax: the script.
        field: the field.
        enums_by_name: whether members of enumerations are given by name, rather than by value.
    """
    node = field.default
    if node is None:
        return None
    if enums_by_name and is_enum(syntax, field.hint.name):
        return node.attr if isinstance(node, ast.Attribute) else None
    try:
        value = syntax.value(node)
    except NotConstantError:
        return None
    return from_json(value) if field.hint.kind is dict else value


def is_enum(syntax: Syntax, name: str) -> bool:
    """Whether a name is that of an enumeration of the script."""
    cls = syntax.classes.get(name)
    return cls is not None and any(syntax.name(base).rpartition(".")[2] in _ENUMS for base in cls.bases)


def is_scalar(syntax: Syntax, field: Field) -> bool:
    """Whether a field is one value or a list of values, rather than an object of a class with fields of its own."""
    known = field.hint.name in _SCALARS or field.hint.name.endswith("Literal") or is_enum(syntax, field.hint.name)
    return field.nested is None and field.hint.kind is not dict and (known or field.hint.kind is not str)


def nested_fields(syntax: Syntax, field: Field) -> list[Field | UnreadArgument]:
    """The fields of the dataclass that is a field's type, with the defaults that this field gives them."""
    if field.nested is None:
        return []
    made = field.default
    if not isinstance(made, ast.Call):
        return fields_of(syntax, field.nested)
    return fields_of(syntax, field.nested, {item.arg: item.value for item in made.keywords if item.arg})


def _field(syntax: Syntax, node: ast.AnnAssign, later: ast.stmt | None) -> Field | None:
    """A field; None for a class variable, and for what the constructor does not take."""
    annotation = ast.unparse(node.annotation)
    if annotation.startswith(("ClassVar", "typing.ClassVar", "KW_ONLY", "dataclasses.KW_ONLY")):
        return None
    if not isinstance(node.target, ast.Name):
        return None
    options = node.value if isinstance(node.value, ast.Call) and _is_field(node.value) else None
    if options is not None and getattr(keyword(options, "init"), "value", True) is False:
        return None
    read = hint(syntax, node.annotation)
    default, has_default = _default(options) if options is not None else (node.value, node.value is not None)
    nested = syntax.classes.get(read.name)
    if nested is not None and is_enum(syntax, read.name):
        nested = None
    doc = later.value.value if isinstance(later, ast.Expr) and isinstance(later.value, ast.Constant) else ""
    text = _help(syntax, options) if options is not None else ""
    return Field(
        node.target.id,
        read,
        default,
        not has_default,
        options,
        nested,
        text or " ".join(str(doc).split()),
        node.lineno,
    )


def _is_field(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in _FIELDS


def _default(call: ast.Call) -> tuple[ast.expr | None, bool]:
    """The default of `field(…)`, and whether it has one."""
    function = ast.unparse(call.func).rpartition(".")[2]
    if function == "list_field":
        return ast.List(call.args, ast.Load()), True
    if function == "mutable_field":
        return (ast.Call(call.args[0], [], call.keywords) if call.args else None), True
    if function == "flag" and call.args:
        return call.args[0], True
    value = keyword(call, "default")
    if value is not None and not (isinstance(value, ast.Constant) and value.value is ...):
        return value, True
    factory = keyword(call, "default_factory")
    if factory is None:
        return None, False
    if isinstance(factory, ast.Lambda):
        return factory.body, True
    return _EMPTY.get(ast.unparse(factory)) or ast.Call(factory, [], []), True


def _help(syntax: Syntax, call: ast.Call) -> str:
    text = syntax.text(call, "help", "description")
    metadata = keyword(call, "metadata")
    if text or not isinstance(metadata, ast.Dict):
        return text
    for key, value in zip(metadata.keys, metadata.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "help":
            try:
                return " ".join(str(syntax.value(value)).split())
            except NotConstantError:
                return ""
    return ""


def flat(
    syntax: Syntax, fields: list[Field | UnreadArgument], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Field | UnreadArgument]]:
    """The fields, and those of the dataclasses that are their types, each with the names of the fields above it."""
    for one in fields:
        if isinstance(one, Field) and one.nested is not None and not one.hint.optional and len(above) < 10:
            yield from flat(syntax, nested_fields(syntax, one), (*above, one.name))
        else:
            yield above, one
