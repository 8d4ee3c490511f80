"""A function whose inputs and outputs are of types that KFP does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .value_types import Place, ValueType


@dataclass(frozen=True)
class TypedFunction:
    """A function between KFP's JSON and its own types.

    Attributes:
        name: the component's name, for messages.
        function: the function.
        inputs: types of its inputs.
        returned: type of what it returns; for a named tuple types of its fields in order, each None if KFP reads it;
            or None.
        rebuilds: whether it gets the values; otherwise it gets JSON, after a check.
    """

    name: str
    function: Callable[..., Any]
    inputs: Mapping[str, ValueType]
    returned: ValueType | Mapping[str, ValueType | None] | None = None
    rebuilds: bool = True

    @property
    def __name__(self) -> str:
        """The name of the function."""
        return str(getattr(self.function, "__name__", "function"))

    def __call__(self, **arguments: Any) -> Any:
        """Calls the function.

        Raises:
            WrongValueError: an input or output is not of its type.
        """
        for name, kind in self.inputs.items():
            if arguments.get(name) is not None:
                rebuilt = kind.decode(arguments[name], Place(f"{self.name}: the input {name}"))
                if self.rebuilds:
                    arguments[name] = rebuilt
        value = self.function(**arguments)
        if value is None or self.returned is None:  # None also on nodes whose outputs are not used
            return value
        if isinstance(self.returned, ValueType):
            return _written(self.returned, value, Place(f"{self.name}: the output"))
        if len(self.returned) != len(value):
            return value  # KFP's executor names the numbers
        fields = value if type(value) is tuple else [getattr(value, name) for name in self.returned]
        return tuple(map(self._field, self.returned.items(), fields))

    def _field(self, named: tuple[str, ValueType | None], value: Any) -> Any:
        name, kind = named
        return _written(kind, value, Place(f"{self.name}: the output {name}")) if kind and value is not None else value


def _written(kind: ValueType, value: Any, at: Place) -> Any:
    """A value as JSON that the next step can read."""
    made = kind.encode(value, at)
    kind.decode(made, at)
    return made
