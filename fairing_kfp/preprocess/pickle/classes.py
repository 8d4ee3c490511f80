"""Reducers of classes, enums and type variables; `fairing_kfp.runtime.classes` rebuilds them."""

from __future__ import annotations

import abc
import enum
import sys
import types
import typing
from typing import Any

import cloudpickle.cloudpickle as cp

from fairing_kfp.preprocess.pickle.context import Pickler
from fairing_kfp.preprocess.pickle.generated_text import stable_doc
from fairing_kfp.preprocess.pickle.interpreter import (
    CHANGING,
    FIRST_LINE,
    STATIC_ATTRIBUTES,
    is_lazily_annotated,
    own_annotations,
)
from fairing_kfp.runtime import classes as rebuilt

_MADE_AT_CREATION = {"__dict__", "__weakref__", "__module__", "__qualname__", "__slots__", "__orig_bases__"}
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
"""Attributes that pydantic derives from a model's fields, again in each process: they contain addresses."""

_MEMBER_ATTRIBUTES = {"_name_", "_value_", "__objclass__", "_sort_order_"}


def reduce_class(pickler: Pickler, cls: type) -> Any:
    """Reduces a class to its attributes, unless a step can import it."""
    if pickler.packing.by_reference(cls):
        return NotImplemented
    if cls in cp._BUILTIN_TYPE_NAMES:  # such as the type of functions, which `builtins` does not name
        return cp._class_reduce(cls)
    attributes = _attributes(pickler, cls)
    namespace: dict[str, Any] = {"__module__": pickler.packing.module_name(cls), "__qualname__": cls.__qualname__}
    for name in ("__slots__", "__orig_bases__"):
        if name in vars(cls):
            namespace[name] = vars(cls)[name]
    for name in sorted(rebuilt.ONLY_AT_CREATION & attributes.keys()):
        # A property is made empty, since its functions may refer to the class.
        namespace[name] = property() if type(attributes[name]) is property else attributes.pop(name)
    by_value = cls.__module__ in sys.modules and pickler.packing.is_by_value(cls.__module__)
    if "__pydantic_core_schema__" in attributes:
        attributes = {name: value for name, value in attributes.items() if name not in _MADE_BY_PYDANTIC}
        attributes["__pydantic_model__"] = True
        name = f"{cls.__module__}.{cls.__qualname__}"
        pickler.write_as(f"{name}:{id(cls)}", f"{name}:0")  # its decorators refer to it by this
    attributes["__packed_in__"] = sys.modules[cls.__module__] if by_value else None
    if by_value:
        name = f"{namespace['__module__']}.{cls.__qualname__}"
        filename, line = pickler.packing.sources.add_class(cls, name)
        if filename:
            attributes["__source_file__"] = filename
            attributes |= {FIRST_LINE: line} if FIRST_LINE in vars(cls) else {}
    arguments = (type(cls), cls.__name__, cls.__bases__, namespace)
    if isinstance(cls, enum.EnumMeta):
        members = _values(cls)
        return rebuilt.empty_enum, (*arguments, members), _enum_state(cls, attributes), None, None, rebuilt.fill_class
    return rebuilt.empty_class, arguments, attributes, None, None, rebuilt.fill_class


def _attributes(pickler: Pickler, cls: type) -> dict[str, Any]:
    """The attributes of a class that its creation does not make, in order of definition."""
    attributes = {}
    for name, value in vars(cls).items():
        own_descriptor = isinstance(value, (types.MemberDescriptorType, types.GetSetDescriptorType))
        made_at_creation = name in _MADE_AT_CREATION and type(value) is not property
        if made_at_creation or name in CHANGING or (own_descriptor and value.__objclass__ is cls):
            continue
        if name == "__annotations__" and not value:  # reading it creates it
            continue
        if name == STATIC_ATTRIBUTES:  # unordered in Python 3.13.0
            value = tuple(sorted(value))
        if name == "__doc__" and value and "__dataclass_fields__" in vars(cls):
            pickler.write_as(value, stable_doc(value, cls))
        if name == "_abc_impl":
            value = pickler.stable_order(kept for kept in (reference() for reference in _registered(cls)) if kept)
        if getattr(cls, "_is_protocol", False) and _is_of_typing(value):
            continue
        attributes[name] = value
    if is_lazily_annotated(cls) and (evaluated := own_annotations(cls)):
        attributes["__annotations__"] = evaluated
    return attributes


def _registered(cls: Any) -> Any:
    """Weak references to the classes registered with an abstract class."""
    return abc._get_dump(cls)[0]  # type: ignore[attr-defined]


def _is_of_typing(value: Any) -> bool:
    """Whether `Protocol` added a function; rebuilding the class adds it again."""
    return getattr(getattr(value, "__func__", value), "__module__", None) == "typing"


def _enum_state(cls: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of an enum and of its members, without the members themselves and what its metaclass makes."""
    inherited = {name: value for base in reversed(cls.__mro__[1:]) for name, value in vars(base).items()}
    state = {
        name: value
        for name, value in attributes.items()
        if name not in cls.__members__ and name not in _MADE_BY_ENUM and inherited.get(name, cls) is not value
    }
    held = {
        name: {key: value for key, value in vars(member).items() if key not in _MEMBER_ATTRIBUTES}
        for name, member in cls.__members__.items()
    }
    state["__members_hold__"] = {name: more for name, more in held.items() if more}
    return state


def _values(cls: Any) -> dict[str, Any]:
    """The values of an enum's members and aliases."""
    return {name: member._value_ for name, member in cls.__members__.items()}


def _is_importable(pickler: Pickler, named: Any) -> bool:
    """Whether a step can import a type variable or alias, which has no qualified name; if so, its module is packed."""
    module = getattr(named, "__module__", None)
    if not isinstance(module, str) or module not in sys.modules or pickler.packing.is_by_value(module):
        return False
    if vars(sys.modules[module]).get(named.__name__) is not named:
        return False
    pickler.packing.modules.add(module)
    return True


def reduce_type_variable(pickler: Pickler, variable: Any) -> Any:
    """Reduces a TypeVar, ParamSpec or TypeVarTuple."""
    if _is_importable(pickler, variable):
        return getattr, (sys.modules[variable.__module__], variable.__name__)
    options = {
        name: value
        for name in ("bound", "covariant", "contravariant", "infer_variance", "default")
        if (value := getattr(variable, f"__{name}__", None)) and type(value).__name__ != "NoDefaultType"
    }
    constraints = getattr(variable, "__constraints__", ())
    return rebuilt.type_variable, (type(variable), variable.__name__, constraints, options)


def reduce_new_type(pickler: Pickler, made: Any) -> Any:
    """Reduces a NewType, unless a step can import it."""
    if pickler.packing.by_reference(made):
        return made.__qualname__
    return rebuilt.new_type, (made.__name__, made.__supertype__, pickler.packing.module_name(made))


def reduce_type_alias(pickler: Pickler, alias: Any) -> Any:
    """Reduces the alias of a `type` statement, unless a step can import it."""
    if _is_importable(pickler, alias):
        return getattr, (sys.modules[alias.__module__], alias.__name__)
    return rebuilt.type_alias, (alias.__name__, alias.__value__, alias.__type_params__)


def reduce_forward_reference(pickler: Pickler, reference: typing.ForwardRef) -> Any:
    """Reduces a forward reference, without its resolution."""
    return typing.ForwardRef, (reference.__forward_arg__, reference.__forward_is_argument__)
