"""What a packed function's pickle calls to rebuild itself.

The author's side (`fairing_kfp.preprocess.pickling`) names these functions; the container's side runs them.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
import types
from typing import Any

CODE = ""
"""The folder of the step's code: the texts of functions lie there, so that tracebacks show their lines."""

PACKED: set[str] = set()
"""The names of the modules that were packed by value."""


class PackedModule(types.ModuleType):
    """Stands for a module that was not shipped as a file: a pipeline file or a notebook.

    It holds what the step refers to, and says so when asked for more.
    """

    def __getattr__(self, name: str) -> Any:
        """Explains why a name is missing."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{name!r} of {self.__name__!r} was not packed, because this step does not refer to it. "
            f"Use it in the step's code, or move it to a module of its own, which travels as a file."
        )


def packed_module(name: str) -> types.ModuleType:
    """The module of this name, made when it is not there yet."""
    PACKED.add(name)
    module = sys.modules.get(name)
    if module is None:
        module = sys.modules[name] = PackedModule(name)
        module.__dict__["__builtins__"] = builtins  # C's pickle imports by the __import__ that it finds there
        parent, _, child = name.rpartition(".")
        module.__package__ = parent
        if parent:
            setattr(_parent(parent), child, module)
    return module


def _parent(name: str) -> types.ModuleType:
    """The package of a packed module: its file where it was shipped, else a stand-in that finds its other modules."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module = packed_module(name)
        module.__package__ = name
        places = [os.path.join(folder, *name.split(".")) for folder in sys.path]
        module.__path__ = [place for place in places if os.path.isdir(place)]
        return module


def namespace() -> types.ModuleType:
    """Globals that belong to no module."""
    module = types.ModuleType("namespace")
    module.__dict__.clear()
    module.__dict__["__builtins__"] = builtins
    return module


def imported_module(name: str) -> types.ModuleType:
    """The importable module of this name."""
    return importlib.import_module(name)


def code(filename: str, first_line: int, *rest: Any) -> types.CodeType:
    """A code object whose file is a packed source text."""

    def nothing() -> None: ...

    fields = dict(zip(rest[::2], rest[1::2], strict=True))
    return nothing.__code__.replace(
        co_filename=os.path.join(CODE, filename) if CODE and not filename.startswith("<") else filename,
        co_firstlineno=first_line,
        **fields,
    )


def function(
    code: types.CodeType, module: types.ModuleType, cells: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    """A function whose globals are its module's."""
    return types.FunctionType(code, module.__dict__, code.co_name, None, cells)


def set_function(made: types.FunctionType, state: dict[str, Any]) -> None:
    """Fills a function of `function` with what it carries."""
    state.pop("__imports__")  # they are imported by now
    made.__globals__.update(state.pop("__globals__"))
    for module, name, value in state.pop("__used__", ()):
        setattr(module, name, value)
    made.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(made, name, value)


def cell() -> types.CellType:
    """An empty cell."""
    return types.CellType()


def set_cell(made: types.CellType, content: tuple[Any]) -> None:
    """Fills a cell."""
    made.cell_contents = content[0]


def cached_property(function: Any, name: str | None) -> functools.cached_property[Any]:
    """A cached property, without the lock that Python below 3.12 gives it."""
    made = functools.cached_property(function)
    if name is not None:
        made.__set_name__(object, name)
    return made


def lru_cache(function: Any, maxsize: int | None, typed: bool) -> Any:
    """An empty cache around a function."""
    return functools.lru_cache(maxsize, typed)(function)


def component(function: Any) -> Any:
    """What stands for a component in a step: its function, which also is its own `python_func`."""
    function.python_func = function
    return function


def itself(value: Any) -> Any:
    """What stands for a predictor in a step, or in its own server: its class."""
    return value


def generic() -> Any:
    """A generic function (`functools.singledispatch`) without implementations."""

    def nothing(first: Any) -> None: ...

    return functools.singledispatch(nothing)


def set_generic(made: Any, state: dict[str, Any]) -> None:
    """Gives a generic function its implementations and its name."""
    for kind, implementation in state["registry"].items():
        made.register(kind, implementation)
    vars(made).update(state["dict"])
    for name, value in state["names"].items():
        setattr(made, name, value)
