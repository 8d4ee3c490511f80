"""Types of values that JSON does not have: each writes its values as the JSON that KFP passes, and rebuilds them.

The author's side makes them from annotations; they travel in the pickle of the function.
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .results import PassingError, json_value, scalar

REQUIRED, NONE, OWN = "required", "none", "own"
_LONGEST = 200  # characters of a value in a message
_MOST = 30  # values in a message
_LIMIT = 2**53
_NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false"}


class WrongValueError(PassingError):
    """A value is not of its type."""


@dataclass(frozen=True)
class Place:
    """The place of a value.

    Attributes:
        text: its name in messages.
        is_open: whether a value is known only when the pipeline runs; such a value is not checked.
    """

    text: str
    is_open: Callable[[Any], bool] = lambda value: False

    def field(self, name: str) -> Place:
        """The place of a field."""
        return replace(self, text=f"{self.text}.{name}")

    def item(self, key: Any) -> Place:
        """The place of an item."""
        return replace(self, text=f"{self.text}[{key!r}]")

    def wrong(self, value: Any, expected: str, why: object = "") -> WrongValueError:
        """The error for a value."""
        shown = repr(value)
        shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
        return WrongValueError(f"{self.text}: {shown} is not {expected}" + (f": {why}" if str(why) else ""))


class ValueType:
    """A type of values.

    Attributes:
        kind: the type of its JSON: str, int, float, bool, list or dict.
        expected: its values, for messages: `one of 'adam', 'sgd'`.
    """

    kind: type
    expected: str

    def encode(self, value: Any, at: Place) -> Any:
        """A value as JSON. It is an instance, or JSON already.

        Raises:
            WrongValueError: it is not of this type.
        """
        return value if at.is_open(value) else self._encode(scalar(value), at)

    def _encode(self, value: Any, at: Place) -> Any:
        raise NotImplementedError

    def decode(self, value: Any, at: Place) -> Any:
        """The value of JSON.

        Raises:
            WrongValueError: it is not of this type.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class AnyValue(ValueType):
    """Any value that JSON has."""

    kind: type = dict
    expected: str = "a value of JSON"

    def _encode(self, value: Any, at: Place) -> Any:
        return json_value(value, at.text, at.is_open)

    def decode(self, value: Any, at: Place) -> Any:
        """The value itself."""
        return value


@dataclass(frozen=True)
class Scalar(ValueType):
    """Texts, numbers and truth values.

    Attributes:
        made: their class, if it is a subclass or numpy's.
    """

    kind: type
    made: type | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return _NAMES[self.kind]

    def _encode(self, value: Any, at: Place) -> Any:
        if isinstance(value, bool) == (self.kind is bool):
            if self.kind is str and isinstance(value, str):
                return str.__str__(value)
            if self.kind is bool:
                return value
            if self.kind is float and isinstance(value, (int, float)):
                return json_value(float(value), at.text)
            if self.kind is int and (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
                if abs(value) > _LIMIT:
                    raise at.wrong(value, "an integer up to 2**53, as KFP passes numbers as doubles")
                return int(value)
        raise at.wrong(value, self.expected)

    def decode(self, value: Any, at: Place) -> Any:
        """The value; also of a number's text, which KFP makes of the output of a step in a struct or list."""
        if isinstance(value, str) and self.kind is not str:
            try:
                value = json.loads(value.lower())
            except ValueError:
                raise at.wrong(value, self.expected) from None
        value = self._encode(value, at)
        if self.made is None:
            return value
        try:
            return self.made(value)
        except (TypeError, ValueError) as error:
            raise at.wrong(value, f"a {self.made.__name__}", error) from error


@dataclass(frozen=True)
class Nullable(ValueType):
    """A type whose values may be absent."""

    inner: ValueType

    @property
    def kind(self) -> type:  # type: ignore[override]
        """The type of its JSON."""
        return self.inner.kind

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return self.inner.expected

    def _encode(self, value: Any, at: Place) -> Any:
        return None if value is None else self.inner.encode(value, at)

    def decode(self, value: Any, at: Place) -> Any:
        """The value, or None."""
        return None if value is None else self.inner.decode(value, at)


@dataclass(frozen=True)
class Either(ValueType):
    """A union. The first type that accepts a JSON value rebuilds it."""

    options: tuple[ValueType, ...]
    kind: type

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return " or ".join(option.expected for option in self.options)

    def _encode(self, value: Any, at: Place) -> Any:
        option = self._first(value, at)
        made = option.encode(value, at)
        if option is not (other := self._first(made, at)):
            raise at.wrong(value, f"distinct from {other.expected}, as which a step would read it")
        return float(made) if self.kind is float else made

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        return self._first(value, at).decode(value, at)

    def _first(self, value: Any, at: Place) -> ValueType:
        for option in self.options:
            try:
                option.encode(value, at)
            except PassingError:
                continue
            return option
        raise at.wrong(value, self.expected)


@dataclass(frozen=True)
class OneOf(ValueType):
    """Some values, each with its JSON: those of a `Literal`."""

    kind: type
    pairs: tuple[tuple[Any, Any], ...]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        shown = [repr(passed) for passed, _ in self._pairs()]
        more = f", … ({len(shown)} in all)" if len(shown) > _MOST else ""
        return f"one of {', '.join(shown[:_MOST])}{more}" if len(shown) > 1 else "".join(shown)

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return self.pairs

    def _encode(self, value: Any, at: Place) -> Any:
        return self._found(value, at)[0]

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        return self._found(value, at)[1]

    def _found(self, value: Any, at: Place) -> tuple[Any, Any]:
        for passed, made in self._pairs():
            if value is made or any(_same(value, one) for one in (made, passed)):
                return passed, made
        raise at.wrong(value, self.expected)


@dataclass(frozen=True)
class Members(OneOf):
    """The members of an enum, by value or by name."""

    kind: type
    pairs: tuple[tuple[Any, Any], ...] = ()
    cls: type[enum.Enum] = enum.Enum
    by_name: bool = False

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        if self.by_name:
            return [(one.name, one) for one in self.cls]
        return [(float(one.value) if self.kind is float else scalar(one.value), one) for one in self.cls]

    def _found(self, value: Any, at: Place) -> tuple[Any, Any]:
        if isinstance(value, enum.Enum) and type(value) is not self.cls:
            value = value.value
        try:
            return super()._found(value, at)
        except WrongValueError:
            if self.by_name:
                raise
            try:
                return super()._found(self.cls._missing_(value), at)
            except Exception:
                raise at.wrong(value, self.expected) from None


@dataclass(frozen=True)
class Listing(ValueType):
    """Lists, tuples of any length and sets; sets are passed in order."""

    item: ValueType
    made: Any = list
    kind: type = list
    expected: str = "a list"

    def _encode(self, value: Any, at: Place) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise at.wrong(value, self.expected)
        if isinstance(value, (set, frozenset)):
            items = [self.item.encode(one, at) for one in value]
        else:
            items = [self.item.encode(one, at.item(number)) for number, one in enumerate(value)]
        if self.made in (set, frozenset) and not any(at.is_open(one) for one in items):
            unique = {json.dumps(one, sort_keys=True): one for one in items}
            items = [unique[key] for key in sorted(unique, key=lambda key: (_order(unique[key]), key))]
        return items

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        if not isinstance(value, list):
            raise at.wrong(value, self.expected)
        return self.made(self.item.decode(one, at.item(number)) for number, one in enumerate(value))


@dataclass(frozen=True)
class Row(ValueType):
    """Tuples of a fixed length."""

    items: tuple[ValueType, ...]
    kind: type = list

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return f"a list of {len(self.items)}: {', '.join(one.expected for one in self.items)}"

    def _encode(self, value: Any, at: Place) -> Any:
        return [one.encode(item, at.item(number)) for number, one, item in self._items(value, at)]

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        return tuple(one.decode(item, at.item(number)) for number, one, item in self._items(value, at))

    def _items(self, value: Any, at: Place) -> Iterable[tuple[int, ValueType, Any]]:
        if not isinstance(value, (list, tuple)) or len(value) != len(self.items):
            raise at.wrong(value, self.expected)
        return zip(range(len(value)), self.items, value, strict=True)


@dataclass(frozen=True)
class Dictionary(ValueType):
    """Dictionaries; keys that are no text are passed as their JSON."""

    key: ValueType
    item: ValueType
    kind: type = dict
    expected: str = "a dictionary"

    def _encode(self, value: Any, at: Place) -> Any:
        if not isinstance(value, Mapping):
            raise at.wrong(value, self.expected)
        return {self._key_text(key, at): self.item.encode(one, at.item(key)) for key, one in value.items()}

    def _key_text(self, key: Any, at: Place) -> str:
        if self.key.kind is str:
            return str(self.key.encode(key, at))
        return json.dumps(self.key.encode(self._parsed(key) if isinstance(key, str) else key, at))

    @staticmethod
    def _parsed(key: str) -> Any:
        try:
            return json.loads(key)
        except ValueError:
            return key

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        if not isinstance(value, dict):
            raise at.wrong(value, self.expected)
        read = (lambda key: key) if self.key.kind is str else self._parsed
        return {self.key.decode(read(key), at): self.item.decode(one, at.item(key)) for key, one in value.items()}


@dataclass(frozen=True, eq=False)
class Struct(ValueType):
    """Dataclasses, named tuples and typed dictionaries.

    Attributes:
        cls: the class; dict for a typed dictionary.
        name: its name.
        fields: its fields, each with its type, and what its absence means: an error (`REQUIRED`), None (`NONE`), or
            its own default (`OWN`).
    """

    cls: type
    name: str
    fields: dict[str, tuple[ValueType, str]] = field(default_factory=dict)  # filled later: a field may be of this type
    kind: type = dict

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Its values, for messages."""
        return f"a {self.name} ({', '.join(self.fields)})"

    def _encode(self, value: Any, at: Place) -> Any:
        if isinstance(value, Mapping):
            given: Mapping[str, Any] = value
        elif type(value) is self.cls:
            given = {name: getattr(value, name) for name in self.fields}
        else:
            raise at.wrong(value, self.expected)
        self._check_names(given, at)
        written = {name: self.fields[name][0].encode(one, at.field(name)) for name, one in given.items()}
        # KFP's compiler does not pass None within a struct
        return {name: one for name, one in written.items() if one is not None or self.fields[name][1] != NONE}

    def decode(self, value: Any, at: Place) -> Any:
        """The value."""
        if not isinstance(value, dict):
            raise at.wrong(value, self.expected)
        self._check_names(value, at)
        made = {name: None for name, (_, absence) in self.fields.items() if absence == NONE}
        made |= {name: self.fields[name][0].decode(one, at.field(name)) for name, one in value.items()}
        try:
            return self.cls(**made)
        except Exception as error:  # of the class's own checks
            raise at.wrong(value, self.expected, error) from error

    def _check_names(self, given: Mapping[str, Any], at: Place) -> None:
        for name in given:
            if name not in self.fields:
                raise at.wrong(name, f"a field of {self.name}, whose fields are {', '.join(self.fields)}")
        for name, (_, absence) in self.fields.items():
            if absence == REQUIRED and name not in given:
                raise at.wrong(dict(given), self.expected, f"the field {name} is missing")


def _same(value: Any, other: Any) -> bool:
    """Whether two values are equal, and both or neither are truth values, numbers or texts."""
    if isinstance(value, bool) != isinstance(other, bool) or isinstance(value, str) != isinstance(other, str):
        return False
    return type(value) not in (types.FunctionType, types.MethodType) and bool(value == other)


def _order(value: Any) -> Any:
    """Numbers by size, all others by their text."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (0, value) if is_number else (1, 0)
