"""Types of values that JSON does not have: each writes its values as the JSON that KFP passes, and rebuilds them.

The author's side makes them from annotations; they travel in the pickle of the function.
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
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


def _same(value: Any, other: Any) -> bool:
    """Whether two values are equal, and both or neither are truth values, numbers or texts."""
    if isinstance(value, bool) != isinstance(other, bool) or isinstance(value, str) != isinstance(other, str):
        return False
    return type(value) not in (types.FunctionType, types.MethodType) and bool(value == other)
