"""Constants, and reducers of standard library values that `pickle` and cloudpickle write at random or not at all."""

from __future__ import annotations

import builtins
import copyreg
import dataclasses
import functools
import io
import logging
import os
import random
import re
import sys
import types
import typing
import weakref
from collections.abc import Hashable
from typing import Any, cast

from fairing_kfp.preprocess.pickle import classes
from fairing_kfp.preprocess.pickle.context import Pickler, Reducer
from fairing_kfp.preprocess.pickle.interpreter import CHANGING, STATIC_ATTRIBUTES
from fairing_kfp.runtime import rebuild

CONSTANTS = (str, bytes, tuple, frozenset, complex)
"""Types of constants that `pickle` writes once and then refers to, so that their identity shows in its bytes."""

PACKED_AS = "_fairing_packed_as"
"""Class attribute of objects that stand for a function or class: the name of the attribute to pickle instead."""

_ATOMS = (str, bytes, int, bool, type(None), type(Ellipsis))

FUNCTION_LIKE = (functools._lru_cache_wrapper,)

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the class was made by a class statement
_GENERIC: types.CodeType = vars(functools)["singledispatch"](lambda first: None).__code__

CACHED: set[type] = {type(typing.List[int]), type(typing.Optional[int]), types.GenericAlias, re.Pattern}  # noqa: UP006, UP045
"""Types whose equal objects may be one object or several, depending on Python's caches."""
CACHED |= {type(int | str), type(typing.Literal[1]), type(typing.Callable[[], int]), type(typing.Annotated[int, 0])}


def constant_key(value: Any) -> Hashable | None:
    """A key that is equal exactly for constants of equal type and value; None if the value is not a constant.

    Equal constants may or may not be one object, depending on whether code was just compiled or read from a `.pyc`.
    """
    kind = type(value)
    if kind in _ATOMS:
        return kind, value
    if kind in (float, complex):
        return kind, repr(value)  # 0.0 and -0.0 are equal but not the same
    if kind in (tuple, frozenset):
        keys = [constant_key(item) for item in value]
        if any(key is None for key in keys):
            return None
        return kind, tuple(keys) if kind is tuple else frozenset(keys)
    return None


def cached_key(obj: Any) -> Hashable | None:
    """A key that is equal for equal objects of the types in `CACHED`; None if the object cannot be hashed."""
    try:
        hash(obj)
    except TypeError:  # an annotation with a list
        return None
    return type(obj), obj, repr(obj)


def is_component(obj: Any) -> bool:
    """Whether a value is a component of `@fairing_component` or `@dsl.component`."""
    modules = [str(kind.__module__) for kind in type(obj).__mro__]
    return any(module.startswith("kfp.dsl") for module in modules) and hasattr(obj, "python_func")


def is_predictor(obj: Any) -> bool:
    """Whether a value is a predictor of `@fairing_component`."""
    return PACKED_AS in vars(type(obj))


def reduce_value(pickler: Pickler, obj: Any) -> Any:
    """Reduces values that cannot be recognized by their exact type; NotImplemented for all others."""
    if isinstance(obj, (set, frozenset)):
        made, arguments, *rest = cast("tuple[Any, ...]", obj.__reduce_ex__(5))
        return made, tuple(pickler.stable_order(a) if isinstance(a, (list, set)) else a for a in arguments), *rest
    if obj is os.environ:
        return getattr, (os, "environ")
    for name in ("stdin", "stdout", "stderr"):
        if obj is getattr(sys, name) or obj is getattr(sys, f"__{name}__"):
            return getattr, (sys, name)
    if type(obj).__module__ == "IPython.core.autocall":  # `exit` and `quit` of a notebook
        return getattr, (builtins, "exit")
    if is_component(obj):  # in a step, a component is its function
        return rebuild.component, (obj.python_func,)
    if is_predictor(obj):  # in a step, a predictor is its class
        return rebuild.itself, (getattr(obj, vars(type(obj))[PACKED_AS]),)
    why = unstable(obj)
    if why:
        raise pickler.refusal(obj, why)
    if any(isinstance(vars(kind).get("__slots__"), (set, frozenset)) for kind in type(obj).__mro__):
        return _sorted_slots(obj)
    return NotImplemented


def _sorted_slots(obj: Any) -> Any:
    """Reduces an object whose class has a set of slots, in whose order `pickle` reads them."""
    made, arguments, *rest = obj.__reduce_ex__(5)
    if rest and isinstance(rest[0], tuple) and len(rest[0]) == 2 and isinstance(rest[0][1], dict):
        rest[0] = rest[0][0], dict(sorted(rest[0][1].items()))
    return made, arguments, *rest


def unstable(obj: Any) -> str:
    """The reason why a value has no reproducible pickle; empty if none is known."""
    if isinstance(obj, io.IOBase):
        return "an open file exists in this process only"
    name = type_name(obj)
    is_generator = name.startswith("numpy.random.") or (name.startswith("torch.") and name.endswith(".Generator"))
    if isinstance(obj, random.Random) or is_generator:
        return "the state of a random generator differs each time"
    return ""


def type_name(obj: Any) -> str:
    """The name of a value's type, with its module unless built in."""
    kind = type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def plain_state(obj: Any) -> Any:
    """The attributes of an instance of classes written in Python, as `pickle` sets them; None for another object."""
    kind = type(obj)
    if isinstance(obj, type) or any(cls.__flags__ & _HEAP_TYPE == 0 for cls in kind.__mro__[:-1]):
        return None
    slots = {name: getattr(obj, name) for name in copyreg._slotnames(kind) if hasattr(obj, name)}  # type: ignore[attr-defined]
    own = dict(getattr(obj, "__dict__", {}))
    return (own or None, slots) if slots else own


def reduce_generic(pickler: Pickler, function: types.FunctionType) -> Any:
    """Reduces a function of `functools.singledispatch`, whose caches cannot be copied; None for other functions."""
    if function.__code__ is not _GENERIC:
        return None
    state = {"registry": dict(function.registry), "dict": {"__wrapped__": function.__wrapped__}}  # type: ignore[attr-defined]
    state["names"] = {
        "__name__": function.__name__,
        "__qualname__": function.__qualname__,
        "__module__": pickler.packing.module_name(function),
        "__doc__": function.__doc__,
    }
    return rebuild.generic, (), state, None, None, rebuild.set_generic


def _logger(pickler: Pickler, logger: logging.Logger) -> Any:
    name = logger.name
    if name in sys.modules and pickler.packing.is_by_value(name):  # logging.getLogger(__name__)
        name = pickler.packing.packed_name(name)
    return logging.getLogger, (name,)


def _lru_cache(pickler: Pickler, cache: Any) -> Any:
    if pickler.packing.by_reference(cache):
        return cache.__qualname__
    parameters = cache.cache_parameters()
    return rebuild.lru_cache, (cache.__wrapped__, parameters["maxsize"], parameters["typed"])


def _method(pickler: Pickler, method: types.BuiltinMethodType) -> Any:
    """Reduces `random.random` and the like, methods of a hidden generator, to an import."""
    if method.__self__ is random._inst:
        return getattr, (random, method.__name__)
    return NotImplemented


def with_own_module(pickler: Pickler, obj: Any) -> dict[str, Any]:
    """The attributes of a function or partial. `functools.wraps` of a class copies those of the class among them."""
    attributes: dict[str, Any] = obj.__dict__
    if "__module__" not in attributes:
        return attributes
    copied = {name: value for name, value in attributes.items() if name not in CHANGING}
    if STATIC_ATTRIBUTES in copied:  # unordered in Python 3.13.0
        copied[STATIC_ATTRIBUTES] = tuple(sorted(copied[STATIC_ATTRIBUTES]))
    return {**copied, "__module__": pickler.packing.module_name(obj)}


def _partial(pickler: Pickler, partial: functools.partial[Any]) -> Any:
    made, arguments, state = cast("tuple[Any, ...]", partial.__reduce__())
    return made, arguments, (*state[:3], with_own_module(pickler, partial) if state[3] else state[3])


def _bound(pickler: Pickler, method: types.MethodType) -> Any:
    if method.__self__ is random._inst:
        return getattr, (random, method.__name__)
    return NotImplemented


def _stable_order(pickler: Pickler, obj: Any) -> Any:
    return type(obj), (pickler.stable_order(obj),)


def _of_dataclasses(name: str) -> Reducer:
    return lambda pickler, obj: (getattr, (dataclasses, name))


REDUCERS: dict[type, Reducer] = {
    set: _stable_order,
    frozenset: _stable_order,
    weakref.WeakSet: _stable_order,
    weakref.WeakKeyDictionary: lambda pickler, obj: (weakref.WeakKeyDictionary, (dict(obj),)),
    weakref.WeakValueDictionary: lambda pickler, obj: (weakref.WeakValueDictionary, (dict(obj),)),
    functools.cached_property: lambda pickler, obj: (rebuild.cached_property, (obj.func, obj.attrname)),
    functools._lru_cache_wrapper: _lru_cache,
    functools.partial: _partial,
    logging.Logger: _logger,
    types.BuiltinMethodType: _method,
    types.MethodType: _bound,
    typing.TypeVar: classes.reduce_type_variable,
    typing.ParamSpec: classes.reduce_type_variable,
    typing.NewType: classes.reduce_new_type,
    typing.ForwardRef: classes.reduce_forward_reference,
    type(dataclasses.MISSING): _of_dataclasses("MISSING"),
    type(dataclasses.KW_ONLY): _of_dataclasses("KW_ONLY"),
    type(dataclasses._HAS_DEFAULT_FACTORY): _of_dataclasses("_HAS_DEFAULT_FACTORY"),  # type: ignore[attr-defined]
}
if sys.version_info >= (3, 11):
    REDUCERS[typing.TypeVarTuple] = classes.reduce_type_variable
if sys.version_info >= (3, 12):
    REDUCERS[typing.TypeAliasType] = classes.reduce_type_alias
