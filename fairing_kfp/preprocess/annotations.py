"""Annotations → types of values that KFP does not know, and the annotation that KFP reads instead."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import sys
import types
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.aliases import without_aliases
from fairing_kfp.preprocess.kfp_types import is_of_kfp
from fairing_kfp.runtime.container_types import Dictionary, Listing, Row, Struct
from fairing_kfp.runtime.models import Model
from fairing_kfp.runtime.text_types import Text
from fairing_kfp.runtime.value_types import (
    NONE,
    OWN,
    REQUIRED,
    AnyValue,
    Either,
    Members,
    Nullable,
    OneOf,
    Scalar,
    ValueType,
)

_SCALARS = (str, bool, int, float)
_TEXTS: tuple[tuple[str, type], ...] = (
    ("datetime", datetime.datetime),
    ("date", datetime.date),
    ("time", datetime.time),
    ("timedelta", datetime.timedelta),
    ("path", pathlib.PurePath),
    ("decimal", decimal.Decimal),
    ("uuid", uuid.UUID),
)
_LISTS: dict[Any, Any] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Collection: list,
    collections.abc.Iterable: list,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
}
_DICTIONARIES = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, types.UnionType)
_KINDS = {"b": bool, "i": int, "u": int, "f": float, "U": str}
_ABSENT = type(None)
_MISSING = dataclasses.MISSING
_OWN = object()


class _UnknownTypeError(Exception):
    """A type whose values cannot be passed."""


def value_type(annotation: Any, scope: Mapping[str, Any], owner: str) -> ValueType | None:
    """The type of a parameter or output.

    Args:
        annotation: its resolved annotation.
        scope: the local variables where the component is made, for annotations of fields.
        owner: the parameter and its component, for messages.

    Returns:
        None for a type that KFP reads itself.

    Raises:
        ComponentError: the type or a part of it cannot be passed, such as a field of a dataclass.
    """
    reader = _Reader(scope)
    try:
        found = reader.read(annotation)
        if found.kind is object:
            raise _UnknownTypeError(annotation)
    except _UnknownTypeError as error:
        if not reader.structs and _is_kfps(annotation):
            return None
        part = error.args[0]
        shown = part if isinstance(part, str) else inspect.formatannotation(part)
        raise ComponentError(
            f"{owner} {'is' if part is annotation else 'contains'} {shown}, which KFP cannot pass",
            "use text, numbers, bool, None, Literal, enums, dates, paths, lists, tuples, sets, dictionaries, "
            "classes with such fields, or an artifact: dsl.Input[dsl.Dataset], dsl.Output[dsl.Dataset]",
        ) from None
    return None if reader.is_plain else found


def has_values(cls: type) -> bool:
    """Whether instances of a class can be passed, so that one is a value rather than an annotation."""
    try:
        return _Reader({}).read(cls).kind is not object
    except _UnknownTypeError:
        return False


def _is_kfps(annotation: Any) -> bool:
    """Whether KFP reads an annotation, whatever its items are."""
    rest = [one for one in typing.get_args(annotation) if one is not _ABSENT]
    if typing.get_origin(annotation) in _UNIONS and len(rest) == 1:
        return _is_kfps(rest[0])
    return (typing.get_origin(annotation) or annotation) in (list, dict) or is_of_kfp(annotation)


@dataclass
class _Reader:
    """Reads an annotation.

    Attributes:
        scope: local variables for annotations of fields.
        structs: classes with fields, each once: a field may be of its own class.
        is_plain: whether all parts are types that KFP reads itself.
    """

    scope: Mapping[str, Any]
    structs: dict[Any, Struct] = field(default_factory=dict)
    is_plain: bool = True

    def read(self, annotation: Any, variables: Mapping[Any, Any] | None = None) -> ValueType:
        """The type of an annotation; `variables` are those of a generic class."""
        if not _is_hashable(annotation):  # such as dsl.OutputPath(int)
            raise _UnknownTypeError(annotation)
        annotation = without_aliases((variables or {}).get(annotation, annotation))
        if isinstance(annotation, typing.NewType):
            return self.read(annotation.__supertype__, variables)
        if hasattr(annotation, "__metadata__") and not is_of_kfp(annotation):  # Annotated
            return self.read(annotation.__origin__, variables)
        if annotation is Any or annotation is object or isinstance(annotation, typing.TypeVar):
            return AnyValue(object)
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in _UNIONS:
            return self._union([self.read(one, variables) for one in inner if one is not _ABSENT], _ABSENT in inner)
        if origin is typing.Literal:
            return self._literal(annotation, inner)
        plain = origin or annotation
        if plain in (list, dict) and not inner:
            return AnyValue(plain)
        if plain in _LISTS:
            self.is_plain &= plain is list
            return Listing(self.read(inner[0] if inner else Any, variables), _LISTS[plain])
        if plain in _DICTIONARIES:
            key, item = inner or (str, Any)
            self.is_plain &= plain is dict and key in (str, Any)
            return Dictionary(self.read(str if key is Any else key, variables), self.read(item, variables))
        if plain is tuple:
            return self._tuple(inner, variables)
        if not isinstance(plain, type) or is_of_kfp(annotation):
            raise _UnknownTypeError(annotation)
        if plain in _SCALARS:
            return Scalar(plain)
        self.is_plain = False
        parameters = getattr(plain, "__parameters__", ()) if inner else ()
        return self._class(plain, dict(zip(parameters, inner, strict=False)))

    def _class(self, cls: type, variables: Mapping[Any, Any]) -> ValueType:
        """The type of a class."""
        if issubclass(cls, enum.Enum):
            return _enum(cls)
        if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_validate_json"):
            return self._model(cls)
        if dataclasses.is_dataclass(cls):
            return self._struct(cls, cls, _dataclass_defaults(cls), variables)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            defaults = cls._field_defaults  # type: ignore[attr-defined]
            return self._struct(cls, cls, {name: defaults.get(name, _MISSING) for name in cls._fields}, variables)
        if issubclass(cls, dict) and hasattr(cls, "__required_keys__"):
            absent = {name: _MISSING if name in cls.__required_keys__ else _OWN for name in self._hints(cls)}
            return self._struct(cls, dict, absent, variables)
        numpy = sys.modules.get("numpy")
        if numpy is not None and issubclass(cls, numpy.generic):
            if cls is numpy.datetime64:
                return Text("datetime", datetime.datetime, cls)
            kind = _KINDS.get(numpy.dtype(cls).kind) if cls.__subclasses__() == [] else None
            if kind is None:
                raise _UnknownTypeError(cls)
            return Scalar(kind, cls)
        for form, base in _TEXTS:
            if issubclass(cls, base):
                return Text(form, base, cls)
        for kind in _SCALARS:
            if issubclass(cls, kind):
                return Scalar(kind, cls)
        raise _UnknownTypeError(cls)

    def _struct(self, cls: Any, made: type, defaults: Mapping[str, Any], variables: Mapping[Any, Any]) -> Struct:
        key = (cls, *variables.values())
        if key not in self.structs:
            struct = self.structs[key] = Struct(made, cls.__name__)
            hints = self._hints(cls)
            for name, default in defaults.items():
                annotation, is_required = _without_marks(hints.get(name, Any))
                if is_required is not None:
                    default = _MISSING if is_required else _OWN
                kind = self._field(cls, name, annotation, variables)
                none = isinstance(kind, Nullable) and (default is _MISSING or default is None)
                struct.fields[name] = (kind, NONE if none else REQUIRED if default is _MISSING else OWN)
        return self.structs[key]

    def _field(self, cls: type, name: str, annotation: Any, variables: Mapping[Any, Any]) -> ValueType:
        try:
            return self.read(annotation, variables)
        except _UnknownTypeError as error:
            if isinstance(error.args[0], str):
                raise
            shown = inspect.formatannotation(error.args[0])
            raise _UnknownTypeError(f"the field {name} of {cls.__name__}, a {shown}") from None

    def _hints(self, cls: type) -> dict[str, Any]:
        return typing.get_type_hints(cls, localns={**self.scope, cls.__name__: cls}, include_extras=True)

    def _model(self, cls: Any) -> Model:
        root = cls.model_fields.get("root") if getattr(cls, "__pydantic_root_model__", False) else None
        return Model(cls, _Reader(self.scope).read(root.annotation).kind if root else dict)

    def _tuple(self, inner: tuple[Any, ...], variables: Mapping[Any, Any] | None) -> ValueType:
        self.is_plain = False
        if not inner or (len(inner) == 2 and inner[1] is Ellipsis):
            return Listing(self.read(inner[0] if inner else Any, variables), tuple)
        return Row(tuple(self.read(one, variables) for one in inner))

    def _union(self, options: list[ValueType], optional: bool) -> ValueType:
        options = [one.inner if isinstance(one, Nullable) else one for one in options]
        if len(options) == 1:
            return Nullable(options[0])
        self.is_plain = False
        kinds = {option.kind for option in options}
        kind = float if kinds == {int, float} else next(iter(kinds)) if len(kinds) == 1 else None
        either = Either(tuple(sorted(options, key=_breadth)), kind or object)
        return Nullable(either) if optional else either

    def _literal(self, annotation: Any, values: tuple[Any, ...]) -> ValueType:
        self.is_plain = False
        passed = [one.value if isinstance(one, enum.Enum) else one for one in values if one is not None]
        if not passed or not all(isinstance(one, (str, int)) for one in passed):
            raise _UnknownTypeError(annotation)
        kinds = {next(kind for kind in _SCALARS if isinstance(one, kind)) for one in passed}
        if len(kinds) > 1:
            passed = [one if isinstance(one, str) else str(one).lower() for one in passed]
            if len(set(passed)) < len(passed):
                raise _UnknownTypeError(annotation)
        made = OneOf(
            kinds.pop() if len(kinds) == 1 else str,
            tuple(zip(passed, (one for one in values if one is not None), strict=True)),
        )
        return Nullable(made) if None in values else made


def _enum(cls: type[enum.Enum]) -> Members:
    """The type of an enum: by value where all are texts, numbers or truth values, else by name."""
    if issubclass(cls, enum.Flag) or not len(cls):
        raise _UnknownTypeError(f"the {'Flag' if len(cls) else 'empty enum'} {cls.__name__}")
    kinds = {next((kind for kind in _SCALARS if isinstance(one.value, kind)), None) for one in cls}
    if kinds == {int, float}:
        kinds = {float}
    kind = kinds.pop() if len(kinds) == 1 else None
    return Members(kind or str, (), cls, by_name=kind is None)


def _dataclass_defaults(cls: Any) -> dict[str, Any]:
    """The fields that its constructor takes, with their defaults; `_OWN` for one that is made each time."""
    fields: dict[str, Any] = {}
    for name, one in cls.__dataclass_fields__.items():
        if one._field_type is dataclasses._FIELD_INITVAR and one.default is _MISSING:  # type: ignore[attr-defined]
            raise _UnknownTypeError(f"the InitVar {name} of {cls.__name__}, which its instances do not keep")
        if one._field_type is dataclasses._FIELD and one.init:  # type: ignore[attr-defined]
            fields[name] = one.default if one.default_factory is _MISSING else _OWN
    return fields


def _without_marks(annotation: Any) -> tuple[Any, bool | None]:
    """A field's annotation without `Required` and the like, and whether these say that it is required."""
    needed: bool | None = None
    while (name := getattr(typing.get_origin(annotation), "_name", None)) in ("Required", "NotRequired", "ReadOnly"):
        needed = needed if name == "ReadOnly" else name == "Required"
        (annotation,) = typing.get_args(annotation)
    return annotation, needed


def _is_hashable(annotation: Any) -> bool:
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


def _breadth(option: ValueType) -> int:
    """The order in which the types of a union read a value: text and numbers last, as others are passed as these."""
    if isinstance(option, AnyValue):
        return 4
    if isinstance(option, Scalar):
        return {bool: 0, int: 1, float: 2, str: 3}[option.kind]
    return 0
