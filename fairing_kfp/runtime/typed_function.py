"""A function with inputs and outputs of types that KFP does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .value_types import Place, ValueType


@dataclass(frozen=True)
class TypedFunction:
    """Converts KFP's JSON to the types of a function, and its results to JSON.

    Attributes:
        name: the name of the component, for messages.
        function: the function.
        inputs: the types of the inputs.
        returned: the type of the returned value; for a named tuple the types of its fields in order, None for a field
            of a KFP type; None if there is nothing to convert.
        rebuilds: whether the function receives values of the types; otherwise it receives the JSON, after validation.
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
            WrongValueError: an input or output does not have its type.
        """
        for name, kind in self.inputs.items():
            if arguments.get(name) is not None:
                rebuilt = kind.decode(arguments[name], Place(f"{self.name}: the input {name}"))
                if self.rebuilds:
                    arguments[name] = rebuilt
        value = self.function(**arguments)
        if value is None or self.returned is None:  # a function may return None on nodes whose outputs are not used
            return value
        if isinstance(self.returned, ValueType):
            return _encode(self.returned, value, Place(f"{self.name}: the output"))
        if len(self.returned) != len(value):
            return value  # KFP's executor raises an error with both lengths
        fields = value if type(value) is tuple else [getattr(value, name) for name in self.returned]
        return tuple(map(self._field, self.returned.items(), fields))

    def _field(self, named: tuple[str, ValueType | None], value: Any) -> Any:
        name, kind = named
        return _encode(kind, value, Place(f"{self.name}: the output {name}")) if kind and value is not None else value


def _encode(kind: ValueType, value: Any, at: Place) -> Any:
    """Encodes a value as JSON, and checks that the next step can decode it."""
    encoded = kind.encode(value, at)
    kind.decode(encoded, at)
    return encoded
