"""How classes, enums and type variables are taken apart; `fairing_kfp.runtime.classes` puts them together again."""

from __future__ import annotations

import abc
import enum
import sys
import types
import typing
from typing import TYPE_CHECKING, Any

import cloudpickle.cloudpickle as cp

from fairing_kfp.runtime import classes as rebuilt

if TYPE_CHECKING:
    from fairing_kfp.preprocess.pickling import StablePickler

_MADE_AT_CREATION = {"__dict__", "__weakref__", "__module__", "__qualname__", "__slots__", "__orig_bases__"}
_CHANGING = {
    "__slotnames__",  # copyreg's cache
    "__firstlineno__",
    "__annotations_cache__",
    "__annotate_func__",
    "_abc_cache",
    "_abc_negative_cache",
    "_abc_negative_cache_version",
}
"""Attributes that come and go without a change of the class."""

_MADE_BY_ENUM = {
    "_generate_next_value_",
    "_member_names_",
    "_member_map_",
    "_member_type_",
    "_value2member_map_",
    "_unhashable_values_",
    "_unhashable_values_map_",
    "_hashable_values_",
}
_MADE_BY_PYDANTIC = {"__pydantic_core_schema__", "__pydantic_validator__", "__pydantic_serializer__", "__signature__"}
"""What a pydantic model makes of its fields; it holds addresses of this process, and is made again in the step."""

_MEMBER_HOLDS = {"_name_", "_value_", "__objclass__", "_sort_order_"}


def reduce_class(pickler: StablePickler, cls: type) -> Any:
    """A class by value, unless a step can import it."""
    if pickler.packing.by_reference(cls):
        return NotImplemented
    if cls in cp._BUILTIN_TYPE_NAMES:  # such as that of functions, which `builtins` does not name
        return cp._class_reduce(cls)
    attributes = _attributes(pickler, cls)
    namespace: dict[str, Any] = {"__module__": pickler.packing.module_name(cls), "__qualname__": cls.__qualname__}
    for name in ("__slots__", "__orig_bases__"):
        if name in vars(cls):
            namespace[name] = vars(cls)[name]
    by_value = cls.__module__ in sys.modules and pickler.packing.is_by_value(cls.__module__)
    if "__pydantic_core_schema__" in attributes:
        attributes = {name: value for name, value in attributes.items() if name not in _MADE_BY_PYDANTIC}
        attributes["__pydantic_model__"] = True
        name = f"{cls.__module__}.{cls.__qualname__}"
        pickler.write_as(f"{name}:{id(cls)}", f"{name}:0")  # by which its decorators name it
    attributes["__packed_in__"] = sys.modules[cls.__module__] if by_value else None
    arguments = (type(cls), cls.__name__, cls.__bases__, namespace)
    if isinstance(cls, enum.EnumMeta):
        members = _values(cls)
        return rebuilt.empty_enum, (*arguments, members), _enum_state(cls, attributes), None, None, rebuilt.fill_class
    return rebuilt.empty_class, arguments, attributes, None, None, rebuilt.fill_class


def _attributes(pickler: StablePickler, cls: type) -> dict[str, Any]:
    """What a class holds beyond what its creation gives it, in the order of its definition."""
    attributes = {}
    for name, value in vars(cls).items():
        own_descriptor = isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType))
        if name in _MADE_AT_CREATION or name in _CHANGING or (own_descriptor and value.__objclass__ is cls):
            continue
        if name == "__annotations__" and not value:  # made by looking at it
            continue
        if name == "__static_attributes__":  # Python 3.13.0 has them in the order of a set
            value = tuple(sorted(value))
        if name == "_abc_impl":
            value = pickler.in_order(kept for kept in (reference() for reference in _registered(cls)) if kept)
        if getattr(cls, "_is_protocol", False) and _is_of_typing(value):
            continue
        attributes[name] = value
    return attributes


def _registered(cls: Any) -> Any:
    """Weak references to the classes that were registered with an abstract class."""
    return abc._get_dump(cls)[0]  # type: ignore[attr-defined]


def _is_of_typing(value: Any) -> bool:
    """Whether `Protocol` put a function there; it does so again when the class is made again."""
    return getattr(getattr(value, "__func__", value), "__module__", None) == "typing"


def _enum_state(cls: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """An enum's attributes without its members and what its metaclass makes; and what its members hold."""
    inherited = {name: value for base in reversed(cls.__mro__[1:]) for name, value in vars(base).items()}
    state = {
        name: value
        for name, value in attributes.items()
        if name not in cls.__members__ and name not in _MADE_BY_ENUM and inherited.get(name, cls) is not value
    }
    held = {
        name: {key: value for key, value in vars(member).items() if key not in _MEMBER_HOLDS}
        for name, member in cls.__members__.items()
    }
    state["__members_hold__"] = {name: more for name, more in held.items() if more}
    return state


def _values(cls: Any) -> dict[str, Any]:
    """The values of an enum's members and aliases."""
    return {name: member._value_ for name, member in cls.__members__.items()}


def _is_importable(pickler: StablePickler, named: Any) -> bool:
    """Whether a step finds a variable or an alias, which has no qualified name, in its module; that then travels."""
    module = getattr(named, "__module__", None)
    if not isinstance(module, str) or module not in sys.modules or pickler.packing.is_by_value(module):
        return False
    if vars(sys.modules[module]).get(named.__name__) is not named:
        return False
    pickler.packing.modules.add(module)
    return True


def reduce_type_variable(pickler: StablePickler, variable: Any) -> Any:
    """A TypeVar, ParamSpec or TypeVarTuple."""
    if _is_importable(pickler, variable):
        return getattr, (sys.modules[variable.__module__], variable.__name__)
    options = {
        name: value
        for name in ("bound", "covariant", "contravariant", "infer_variance", "default")
        if (value := getattr(variable, f"__{name}__", None)) and type(value).__name__ != "NoDefaultType"
    }
    constraints = getattr(variable, "__constraints__", ())
    return rebuilt.type_variable, (type(variable), variable.__name__, constraints, options)


def reduce_new_type(pickler: StablePickler, made: Any) -> Any:
    """A NewType, unless a step can import it."""
    if pickler.packing.by_reference(made):
        return made.__qualname__
    return rebuilt.new_type, (made.__name__, made.__supertype__, pickler.packing.module_name(made))


def reduce_type_alias(pickler: StablePickler, alias: Any) -> Any:
    """What a `type` statement made, unless a step can import it."""
    if _is_importable(pickler, alias):
        return getattr, (sys.modules[alias.__module__], alias.__name__)
    return rebuilt.type_alias, (alias.__name__, alias.__value__, alias.__type_params__)


def reduce_forward_reference(pickler: StablePickler, reference: typing.ForwardRef) -> Any:
    """A forward reference without what was found when somebody resolved it."""
    return typing.ForwardRef, (reference.__forward_arg__, reference.__forward_is_argument__)
