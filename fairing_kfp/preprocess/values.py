"""How values of the standard library are taken apart that `pickle` and cloudpickle leave to chance, or cannot take."""

from __future__ import annotations

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
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from fairing_kfp.preprocess import classes
from fairing_kfp.runtime import rebuild

if TYPE_CHECKING:
    from fairing_kfp.preprocess.pickling import StablePickler

FUNCTION_LIKE = (functools._lru_cache_wrapper,)

_GENERIC: types.CodeType = vars(functools)["singledispatch"](lambda first: None).__code__

CACHED: set[type] = {type(typing.List[int]), type(typing.Optional[int]), types.GenericAlias, re.Pattern}  # noqa: UP006, UP045
"""Types whose objects Python makes once or several times, as its caches have it."""
CACHED |= {type(int | str), type(typing.Literal[1]), type(typing.Callable[[], int]), type(typing.Annotated[int, 0])}


def cached_key(obj: Any) -> Hashable | None:
    """A key that is equal for equal objects of these types."""
    try:
        hash(obj)
    except TypeError:  # an annotation with a list
        return None
    return type(obj), obj, repr(obj)


def is_component(obj: Any) -> bool:
    """Whether a value is what `@fairing_component` or `@dsl.component` made."""
    module = type(obj).__module__
    return isinstance(module, str) and module.startswith("kfp.dsl") and hasattr(obj, "python_func")


def is_predictor(obj: Any) -> bool:
    """Whether a value is what `@fairing_component` makes of a predictor's class or function."""
    kind = type(obj)
    return kind.__module__ == "fairing_kfp.serving.predictor" and kind.__name__ == "Predictor"


def reduce_value(pickler: StablePickler, obj: Any) -> Any:
    """Values that no type alone tells apart; NotImplemented for all others."""
    if isinstance(obj, (set, frozenset)):
        made, arguments, *rest = typing.cast("tuple[Any, ...]", obj.__reduce_ex__(5))
        return made, tuple(pickler.in_order(a) if isinstance(a, (list, set)) else a for a in arguments), *rest
    if obj is os.environ:
        return getattr, (os, "environ")
    for name in ("stdin", "stdout", "stderr"):
        if obj is getattr(sys, name) or obj is getattr(sys, f"__{name}__"):
            return getattr, (sys, name)
    if is_component(obj):  # a global that names a component means the function, once it runs in a step
        return rebuild.component, (obj.python_func,)
    if is_predictor(obj):  # likewise its class
        return rebuild.itself, (obj.plain,)
    why = unstable(obj)
    if why:
        raise pickler.refusal(obj, why)
    return NotImplemented


def unstable(obj: Any) -> str:
    """Why a value would not give the same bytes next time; empty when nothing is known against it."""
    if isinstance(obj, io.IOBase):
        return "an open file exists in this process alone"
    name = type_name(obj)
    is_generator = name.startswith("numpy.random.") or (name.startswith("torch.") and name.endswith(".Generator"))
    if isinstance(obj, random.Random) or is_generator:
        return "a random generator's state is different each time"
    return ""


def type_name(obj: Any) -> str:
    """A value's type as it is written."""
    kind = type(obj)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def reduce_generic(pickler: StablePickler, function: types.FunctionType) -> Any:
    """What `functools.singledispatch` makes, whose caches cannot be copied; None for any other function."""
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


def _logger(pickler: StablePickler, logger: logging.Logger) -> Any:
    name = logger.name
    if name in sys.modules and pickler.packing.is_by_value(name):  # logging.getLogger(__name__)
        name = pickler.packing.packed_name(name)
    return logging.getLogger, (name,)


def _lru_cache(pickler: StablePickler, cache: Any) -> Any:
    if pickler.packing.by_reference(cache):
        return cache.__qualname__
    parameters = cache.cache_parameters()
    return rebuild.lru_cache, (cache.__wrapped__, parameters["maxsize"], parameters["typed"])


def _method(pickler: StablePickler, method: types.BuiltinMethodType) -> Any:
    """`random.random` and its like are methods of a hidden generator, which is imported, not copied."""
    if method.__self__ is random._inst:
        return getattr, (random, method.__name__)
    return NotImplemented


def _bound(pickler: StablePickler, method: types.MethodType) -> Any:
    if method.__self__ is random._inst:
        return getattr, (random, method.__name__)
    return NotImplemented


def _in_order(pickler: StablePickler, obj: Any) -> Any:
    return type(obj), (pickler.in_order(obj),)


def _of_dataclasses(name: str) -> Callable[[StablePickler, Any], Any]:
    return lambda pickler, obj: (getattr, (dataclasses, name))


REDUCERS: dict[type, Callable[[StablePickler, Any], Any]] = {
    set: _in_order,
    frozenset: _in_order,
    weakref.WeakSet: _in_order,
    weakref.WeakKeyDictionary: lambda pickler, obj: (weakref.WeakKeyDictionary, (dict(obj),)),
    weakref.WeakValueDictionary: lambda pickler, obj: (weakref.WeakValueDictionary, (dict(obj),)),
    functools.cached_property: lambda pickler, obj: (rebuild.cached_property, (obj.func, obj.attrname)),
    functools._lru_cache_wrapper: _lru_cache,
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
