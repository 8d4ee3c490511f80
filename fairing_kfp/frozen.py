"""`dataclass(frozen=True)`, `field` and `replace` of the standard library, for classes that commands and pushes import.

The standard library's module imports `inspect`, and writes and compiles six functions for each class: with the hundred
classes of a `compile` that is a tenth of a second, and with those of a push it is longer than a small push. Here all
classes share their methods. For type checkers this is `dataclasses` itself; its functions accept these classes, and so
does `inspect.signature`. A class that inherits from one of these is made by this decorator, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace

_MISSING: Any = object()


class _Field:
    """What a class says about a field; the arguments are those of `dataclasses.field`."""

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        init: bool = True,
        compare: bool = True,
        repr: bool = True,
        hash: bool | None = None,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.compare = compare
        self.repr = repr
        self.hash = hash

    def options(self) -> dict[str, Any]:
        """The arguments."""
        return {name: value for name, value in vars(self).items() if value is not _MISSING}


class _Layout:
    """The fields of a class, in the order of its arguments."""

    def __init__(self, fields: dict[str, _Field]) -> None:
        self.fields = fields
        self.arguments = tuple(name for name, one in fields.items() if one.init)
        self.defaults = {name: one.default for name, one in fields.items() if one.default is not _MISSING}
        self.factories = {
            name: one.default_factory for name, one in fields.items() if one.default_factory is not _MISSING
        }
        self.compared = [name for name, one in fields.items() if one.compare]
        self.hashed = [name for name, one in fields.items() if (one.compare if one.hash is None else one.hash)]
        self.shown = [name for name, one in fields.items() if one.repr]

    def takes(self, values: dict[str, Any], named: dict[str, Any]) -> bool:
        """Whether all arguments have values, and those that are named exist."""
        return all(name in values for name in self.arguments) and all(name in self.arguments for name in named)


class _Standard:
    """An attribute of the class that `dataclasses` makes of the same fields, when somebody asks for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, value: object, cls: type[Any]) -> Any:
        import dataclasses
        import inspect

        annotations: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            annotations.update(getattr(base, "__annotations__", {}))
        namespace = {name: dataclasses.field(**one.options()) for name, one in cls._layout.fields.items()}
        made: Any = type(cls.__name__, (), {**namespace, "__annotations__": annotations, "__module__": cls.__module__})
        made = dataclasses.dataclass(frozen=True)(made)
        found = inspect.signature(made) if self._name == "__signature__" else getattr(made, self._name)
        setattr(cls, self._name, found)
        return found


def _init(self: Any, /, *args: Any, **named: Any) -> None:
    layout: _Layout = self._layout
    values = self.__dict__
    values.update(layout.defaults)
    values.update(zip(layout.arguments, args, strict=False))
    values.update(named)
    for name, factory in layout.factories.items():
        if name not in values:
            values[name] = factory()
    given = layout.arguments[: len(args)]
    if len(args) > len(given) or len(named.keys() | given) < len(args) + len(named) or not layout.takes(values, named):
        type(self).__signature__.bind(*args, **named)  # raises
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _equals(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self is other or all(getattr(self, name) == getattr(other, name) for name in self._layout.compared)


def _hash(self: Any) -> int:
    return hash(tuple([getattr(self, name) for name in self._layout.hashed]))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._layout.shown)
    return f"{type(self).__qualname__}({shown})"


def _set(self: Any, name: str, value: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _decorate(cls: Any, repr: bool, eq: bool) -> Any:
    own = dict(vars(cls))
    cls._layout = _Layout(_fields_of(cls, own))
    methods: dict[str, Any] = {"__init__": _init, "__setattr__": _set, "__delattr__": _delete}
    methods["__match_args__"] = cls._layout.arguments
    if repr and "__repr__" not in own:
        methods["__repr__"] = _repr
    if eq:
        methods |= {"__eq__": own.get("__eq__", _equals), "__hash__": own.get("__hash__") or _hash}
    for name in ("__dataclass_fields__", "__dataclass_params__", "__signature__"):
        methods[name] = _Standard(name)
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def _fields_of(cls: Any, own: dict[str, Any]) -> dict[str, _Field]:
    """The fields of a class; those of its bases come first."""
    fields: dict[str, _Field] = {}
    for base in cls.__mro__[:0:-1]:
        if "_layout" in vars(base):
            fields.update(base._layout.fields)
    for name, annotation in cls.__annotations__.items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            continue
        one = _field(own.get(name, _MISSING))
        if one.default is not _MISSING:
            setattr(cls, name, one.default)
        elif name in own:
            delattr(cls, name)
        fields[name] = one
    return fields


def _field(given: Any) -> _Field:
    """The field of a value in the body of a class."""
    if isinstance(given, _Field):
        return given
    standard: Any = sys.modules.get("dataclasses")
    if standard is None or not isinstance(given, standard.Field):
        return _Field(default=given)
    names = ("default", "default_factory", "init", "compare", "repr", "hash")
    options = {name: getattr(given, name) for name in names}
    return _Field(**{name: value for name, value in options.items() if value is not standard.MISSING})


def _dataclass(cls: Any = None, /, *, frozen: bool = False, **options: bool) -> Any:
    """Decorates a class, with the options of `dataclasses.dataclass`; this is that if the class is not frozen.

    Args:
        cls: the class.
        frozen: whether instances are immutable.
        options: further options.
    """
    if not frozen or options.keys() - {"repr", "eq"}:
        import dataclasses

        return dataclasses.dataclass(cls, frozen=frozen, **options)
    repr, eq = options.get("repr", True), options.get("eq", True)
    decorate: Callable[[Any], Any] = lambda made: _decorate(made, repr, eq)  # noqa: E731
    return decorate if cls is None else decorate(cls)


def _replace(value: Any, /, **changes: Any) -> Any:
    """As `dataclasses.replace`."""
    return type(value)(**{**{name: getattr(value, name) for name in value._layout.arguments}, **changes})


if not TYPE_CHECKING:
    dataclass, field, replace = _dataclass, _Field, _replace
