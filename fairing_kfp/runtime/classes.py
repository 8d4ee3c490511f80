"""Rebuilds the classes of a packed function, in two steps so that a class can refer to itself: empty, then filled."""

from __future__ import annotations

import functools
import inspect
import os
from typing import Any, NewType

from . import rebuild

ONLY_AT_CREATION = {"__class__", "__dict__", "__name__"}
"""Attributes that describe instances when a class is created, but that set the class's own attributes later."""

_incomplete_models: list[Any] = []
_source_files: dict[type, str] = {}


def complete_models() -> None:
    """Rebuilds the pydantic models after all classes are filled, since models may refer to one another."""
    models = list(_incomplete_models)
    _incomplete_models.clear()
    for made in models:
        for name in ("__pydantic_core_schema__", "__pydantic_validator__", "__pydantic_serializer__"):
            if name in vars(made):  # created for the empty class
                type.__delattr__(made, name)
    for made in models:
        made.model_rebuild(force=True, raise_errors=False)


def _is_packed(cls: type) -> bool:
    return cls.__module__ in rebuild.PACKED or "<locals>" in cls.__qualname__


def empty_class(metaclass: Any, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
    """Creates a class without its attributes.

    The user's metaclass and `__init_subclass__` ran on the author's side, and `fill_class` sets their results. They do
    not run again here, on a class without attributes.
    """
    makers = [kind for kind in metaclass.__mro__ if "__new__" in vars(kind) and not _is_packed(kind)]
    maker = (
        type if makers[0].__name__ == "_TypedDictMeta" else makers[0]
    )  # it rejects the real bases of its own classes
    disabled = [
        (base, vars(base)["__init_subclass__"])
        for base in dict.fromkeys(ancestor for base in bases for ancestor in base.__mro__)
        if "__init_subclass__" in vars(base) and _is_packed(base)
    ]
    for base, _ in disabled:
        type.__setattr__(base, "__init_subclass__", classmethod(lambda cls, **arguments: None))
    try:
        return maker.__new__(metaclass, name, bases, namespace)
    finally:
        for base, method in disabled:
            type.__setattr__(base, "__init_subclass__", method)


def empty_enum(
    metaclass: Any, name: str, bases: tuple[type, ...], namespace: dict[str, Any], members: dict[str, Any]
) -> Any:
    """Creates an enum with its members, but without its methods."""
    made = metaclass.__prepare__(name, bases)
    for key, value in {**namespace, **members}.items():
        made[key] = value
    return metaclass.__new__(metaclass, name, bases, made)


def fill_class(made: Any, state: dict[str, Any]) -> None:
    """Sets the attributes of a class, and its name in the packed module, where unpickling of instances finds it."""
    registered = state.pop("_abc_impl", ())
    module = state.pop("__packed_in__")
    if source_file := state.pop("__source_file__", ""):
        _register_source(made, source_file)
    if state.pop("__pydantic_model__", False):
        _incomplete_models.append(made)
    for member, attributes in state.pop("__members_hold__", {}).items():
        vars(made[member]).update(attributes)
    for name, value in state.items():
        if name in ONLY_AT_CREATION:
            vars(made)[name].__init__(value.fget, value.fset, value.fdel, value.__doc__)
        else:
            setattr(made, name, value)
    for subclass in registered:
        made.register(subclass)
    if module is not None and "." not in made.__qualname__:
        module.__dict__.setdefault(made.__name__, made)


def _register_source(made: type, place: str) -> None:
    """Makes `inspect.getsource` read the source of a class from its packed file instead of its module's file."""
    if not _source_files:
        find = inspect.getfile

        def getfile(object: Any) -> str:
            known = _source_files.get(object) if isinstance(object, type) else None
            return known or find(object)

        inspect.getfile = functools.wraps(find)(getfile)
    _source_files[made] = os.path.join(rebuild.CODE, place)


def type_variable(kind: Any, name: str, constraints: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Creates a TypeVar, ParamSpec or TypeVarTuple."""
    return kind(name, *constraints, **options)


def new_type(name: str, supertype: Any, module: str) -> Any:
    """Creates a NewType."""
    made = NewType(name, supertype)  # type: ignore[misc]
    made.__module__ = module
    return made


def type_alias(name: str, value: Any, parameters: tuple[Any, ...]) -> Any:
    """Creates a type alias, as the statement `type X = …` of Python 3.12 does."""
    import typing

    return typing.TypeAliasType(name, value, type_params=parameters)  # type: ignore[attr-defined]
