"""Types of lists, tuples, sets, dictionaries and structs; see `value_types`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .value_types import NONE, REQUIRED, Place, ValueType


@dataclass(frozen=True)
class Listing(ValueType):
    """Lists, tuples of any length, and sets, which are passed as sorted lists."""

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
        """The value for its JSON; see `ValueType.decode`."""
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
        """Description of valid values, for messages."""
        return f"a list of {len(self.items)}: {', '.join(one.expected for one in self.items)}"

    def _encode(self, value: Any, at: Place) -> Any:
        return [one.encode(item, at.item(number)) for number, one, item in self._items(value, at)]

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        return tuple(one.decode(item, at.item(number)) for number, one, item in self._items(value, at))

    def _items(self, value: Any, at: Place) -> Iterable[tuple[int, ValueType, Any]]:
        if not isinstance(value, (list, tuple)) or len(value) != len(self.items):
            raise at.wrong(value, self.expected)
        return zip(range(len(value)), self.items, value, strict=True)


@dataclass(frozen=True)
class Dictionary(ValueType):
    """Dictionaries; keys other than text are passed as JSON."""

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
        return json.dumps(self.key.encode(self._parse_key(key) if isinstance(key, str) else key, at))

    @staticmethod
    def _parse_key(key: str) -> Any:
        try:
            return json.loads(key)
        except ValueError:
            return key

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        if not isinstance(value, dict):
            raise at.wrong(value, self.expected)
        read = (lambda key: key) if self.key.kind is str else self._parse_key
        return {self.key.decode(read(key), at): self.item.decode(one, at.item(key)) for key, one in value.items()}


@dataclass(frozen=True, eq=False)
class Struct(ValueType):
    """Dataclasses, named tuples and typed dictionaries.

    Attributes:
        cls: the class; dict for a typed dictionary.
        name: its name.
        fields: for each field its type, and the effect of a missing value: an error (`REQUIRED`), None (`NONE`), or
            the field's own default (`OWN`).
    """

    cls: type
    name: str
    fields: dict[str, tuple[ValueType, str]] = field(default_factory=dict)  # filled later: a field may have this type
    kind: type = dict

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        return f"a {self.name} ({', '.join(self.fields)})"

    def _encode(self, value: Any, at: Place) -> Any:
        if isinstance(value, Mapping):
            given: Mapping[str, Any] = value
        elif type(value) is self.cls:
            given = {name: getattr(value, name) for name in self.fields}
        else:
            raise at.wrong(value, self.expected)
        self._check_names(given, at)
        encoded = {name: self.fields[name][0].encode(one, at.field(name)) for name, one in given.items()}
        # KFP's compiler drops None within a struct
        return {name: one for name, one in encoded.items() if one is not None or self.fields[name][1] != NONE}

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        if not isinstance(value, dict):
            raise at.wrong(value, self.expected)
        self._check_names(value, at)
        made = {name: None for name, (_, absence) in self.fields.items() if absence == NONE}
        made |= {name: self.fields[name][0].decode(one, at.field(name)) for name, one in value.items()}
        try:
            return self.cls(**made)
        except Exception as error:  # raised by the class's own validation
            raise at.wrong(value, self.expected, error) from error

    def _check_names(self, given: Mapping[str, Any], at: Place) -> None:
        for name in given:
            if name not in self.fields:
                raise at.wrong(name, f"a field of {self.name}, whose fields are {', '.join(self.fields)}")
        for name, (_, absence) in self.fields.items():
            if absence == REQUIRED and name not in given:
                raise at.wrong(dict(given), self.expected, f"the field {name} is missing")


def _order(value: Any) -> Any:
    """A sort key: numbers by value, other values by their JSON."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (0, value) if is_number else (1, 0)
