"""Types of values that JSON does not have, with the encoding of their values as JSON that KFP passes.

The author's side creates them from annotations, and the pickle of the function contains them.
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
_MAX_CHARACTERS = 200  # characters of a value in a message
_MAX_VALUES = 30  # values in a message
_MAX_INTEGER = 2**53
_NAMES = {str: "text", int: "an integer", float: "a number", bool: "true or false"}


class WrongValueError(PassingError):
    """A value does not have the declared type."""


@dataclass(frozen=True)
class Place:
    """The position of a value, such as `train: the input options.depth`.

    Attributes:
        text: the description in messages.
        is_open: returns whether a value is known only at run time; such values are not checked.
    """

    text: str
    is_open: Callable[[Any], bool] = lambda value: False

    def field(self, name: str) -> Place:
        """The position of a field of the value."""
        return replace(self, text=f"{self.text}.{name}")

    def item(self, key: Any) -> Place:
        """The position of an item of the value."""
        return replace(self, text=f"{self.text}[{key!r}]")

    def wrong(self, value: Any, expected: str, why: object = "") -> WrongValueError:
        """The error for an invalid value."""
        shown = repr(value)
        shown = shown if len(shown) <= _MAX_CHARACTERS else f"{shown[:_MAX_CHARACTERS]}…"
        return WrongValueError(f"{self.text}: {shown} is not {expected}" + (f": {why}" if str(why) else ""))


class ValueType:
    """A type of values.

    Attributes:
        kind: the type of the JSON: str, int, float, bool, list or dict.
        expected: the description of valid values, for messages: `one of 'adam', 'sgd'`.
    """

    kind: type
    expected: str

    def encode(self, value: Any, at: Place) -> Any:
        """Encodes a value as JSON. The value is an instance of the type, or its JSON already.

        Raises:
            WrongValueError: the value does not have this type.
        """
        return value if at.is_open(value) else self._encode(scalar(value), at)

    def _encode(self, value: Any, at: Place) -> Any:
        raise NotImplementedError

    def decode(self, value: Any, at: Place) -> Any:
        """Decodes the JSON of a value.

        Raises:
            WrongValueError: the JSON does not have this type.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class AnyValue(ValueType):
    """Any JSON value."""

    kind: type = dict
    expected: str = "a JSON value"

    def _encode(self, value: Any, at: Place) -> Any:
        return json_value(value, at.text, at.is_open)

    def decode(self, value: Any, at: Place) -> Any:
        """The JSON itself."""
        return value


@dataclass(frozen=True)
class Scalar(ValueType):
    """Texts, numbers and booleans.

    Attributes:
        made: the class of decoded values, if it is a subclass or a class of numpy.
    """

    kind: type
    made: type | None = None

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
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
                if abs(value) > _MAX_INTEGER:
                    raise at.wrong(value, "an integer up to 2**53, as KFP passes numbers as doubles")
                return int(value)
        raise at.wrong(value, self.expected)

    def decode(self, value: Any, at: Place) -> Any:
        """The value. A number or boolean may be text, as KFP passes the output of a step within a struct or list."""
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
    """A type whose values may be None."""

    inner: ValueType

    @property
    def kind(self) -> type:  # type: ignore[override]
        """The type of the JSON."""
        return self.inner.kind

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        return self.inner.expected

    def _encode(self, value: Any, at: Place) -> Any:
        return None if value is None else self.inner.encode(value, at)

    def decode(self, value: Any, at: Place) -> Any:
        """The value, or None."""
        return None if value is None else self.inner.decode(value, at)


@dataclass(frozen=True)
class Either(ValueType):
    """A union. The first type that accepts a JSON value decodes it."""

    options: tuple[ValueType, ...]
    kind: type

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        return " or ".join(option.expected for option in self.options)

    def _encode(self, value: Any, at: Place) -> Any:
        option = self._first(value, at)
        encoded = option.encode(value, at)
        if option is not (other := self._first(encoded, at)):
            raise at.wrong(value, f"distinct from {other.expected}, as which a step would decode it")
        return float(encoded) if self.kind is float else encoded

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
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
    """A choice of values, each with its JSON: those of a `Literal`."""

    kind: type
    pairs: tuple[tuple[Any, Any], ...]

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        shown = [repr(passed) for passed, _ in self._pairs()]
        more = f", … ({len(shown)} in total)" if len(shown) > _MAX_VALUES else ""
        return f"one of {', '.join(shown[:_MAX_VALUES])}{more}" if len(shown) > 1 else "".join(shown)

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return self.pairs

    def _encode(self, value: Any, at: Place) -> Any:
        return self._find(value, at)[0]

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        return self._find(value, at)[1]

    def _find(self, value: Any, at: Place) -> tuple[Any, Any]:
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

    def _find(self, value: Any, at: Place) -> tuple[Any, Any]:
        if isinstance(value, enum.Enum) and type(value) is not self.cls:
            value = value.value
        try:
            return super()._find(value, at)
        except WrongValueError:
            if self.by_name:
                raise
            try:
                return super()._find(self.cls._missing_(value), at)
            except Exception:
                raise at.wrong(value, self.expected) from None


def _same(value: Any, other: Any) -> bool:
    """Whether two values are equal, and both or neither are booleans, and both or neither are texts."""
    if isinstance(value, bool) != isinstance(other, bool) or isinstance(value, str) != isinstance(other, str):
        return False
    return type(value) not in (types.FunctionType, types.MethodType) and bool(value == other)
