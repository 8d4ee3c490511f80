"""`dataclass(frozen=True)` of the standard library, made in a fifth of the time.

The standard library writes the source of up to six methods for each class, and compiles it whenever a module is
imported: with the hundred classes of a `compile` that is a tenth of a second. Here it writes `__init__` alone, which
`inspect.signature` reads; all classes share the other methods. For type checkers this is `dataclasses.dataclass`
itself. A class that inherits from one of these is made by this decorator, too.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, **options: bool) -> Any:
        """Decorates a class, with the options of `dataclasses.dataclass`; this is that if the class is not frozen.

        Args:
            cls: the class.
            frozen: whether instances are immutable.
            options: further options.
        """
        if not frozen or options.keys() - {"repr", "eq"}:
            return dataclasses.dataclass(cls, frozen=frozen, **options)

        def decorate(cls: type) -> type:
            own, repr, eq = vars(cls), options.get("repr", True), options.get("eq", True)
            cls.__doc__ = cls.__doc__ or cls.__name__  # otherwise the standard library writes the signature
            methods = {"__setattr__": _set, "__delattr__": _delete}
            if repr and "__repr__" not in own:
                methods["__repr__"] = _repr
            if eq:
                methods |= {"__eq__": own.get("__eq__", _equals), "__hash__": own.get("__hash__") or _hash}
            cls = dataclasses.dataclass(repr=False, eq=False)(cls)
            for name, method in methods.items():
                setattr(cls, name, method)
            return cls

        return decorate if cls is None else decorate(cls)


def _set(self: Any, name: str, value: Any) -> None:
    """Sets a field once, as `__init__` does."""
    if name in self.__dict__ or name not in self.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    self.__dict__[name] = value


def _delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _equals(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self is other or all(getattr(self, name) == getattr(other, name) for name in _compared(self.__class__))


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, name) for name in _hashed(self.__class__)))


@cache
def _compared(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cls) if one.compare)


@cache
def _hashed(cls: type) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cls) if (one.compare if one.hash is None else one.hash))
