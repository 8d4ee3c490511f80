"""The functions that the pickle of a packed function calls.

The pickler (`fairing_kfp.preprocess.pickle`) writes their names on the author's side; unpickling calls them in the
container.
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
"""The folder of the step's code. It contains the sources of functions, so that tracebacks show their lines."""

PACKED: set[str] = set()
"""The names of the modules that were packed by value."""


class PackedModule(types.ModuleType):
    """A module that is in the pickle instead of a file: a pipeline file or a notebook.

    It contains only the names that the step refers to; access to other names explains this.
    """

    def __getattr__(self, name: str) -> Any:
        """Explains why a name is missing."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"{name!r} of {self.__name__!r} was not packed, because this step does not refer to it. "
            f"Use it in the step's code, or move it to a module of its own, which is packed as a file."
        )


def packed_module(name: str) -> types.ModuleType:
    """Returns the module of this name, and creates it if it does not exist."""
    PACKED.add(name)
    module = sys.modules.get(name)
    if module is None:
        module = sys.modules[name] = PackedModule(name)
        module.__dict__["__builtins__"] = builtins  # the C implementation of pickle reads __import__ from there
        parent, _, child = name.rpartition(".")
        module.__package__ = parent
        if parent:
            setattr(_parent(parent), child, module)
    return module


def _parent(name: str) -> types.ModuleType:
    """The package of a packed module: imported if it has a file, else a new module with a path to its other modules."""
    try:
        return importlib.import_module(name)
    except ImportError:
        module = packed_module(name)
        module.__package__ = name
        places = [os.path.join(folder, *name.split(".")) for folder in sys.path]
        module.__path__ = [place for place in places if os.path.isdir(place)]
        return module


def namespace() -> types.ModuleType:
    """Creates a module for the globals of functions that have no module."""
    module = types.ModuleType("namespace")
    module.__dict__.clear()
    module.__dict__["__builtins__"] = builtins
    return module


def imported_module(name: str) -> types.ModuleType:
    """Imports a module."""
    return importlib.import_module(name)


def code(filename: str, first_line: int, *rest: Any) -> types.CodeType:
    """Creates a code object whose file is a packed source file."""

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
    """Creates a function whose globals are those of its module."""
    return types.FunctionType(code, module.__dict__, code.co_name, None, cells)


def set_function(made: types.FunctionType, state: dict[str, Any]) -> None:
    """Sets the state of a function that `function` created."""
    state.pop("__imports__")  # unpickling the state has imported them
    made.__globals__.update(state.pop("__globals__"))
    for module, name, value in state.pop("__used__", ()):
        setattr(module, name, value)
    made.__dict__.update(state.pop("__dict__"))
    for name, value in state.items():
        setattr(made, name, value)


def cell() -> types.CellType:
    """Creates an empty cell."""
    return types.CellType()


def set_cell(made: types.CellType, content: tuple[Any]) -> None:
    """Sets the content of a cell."""
    made.cell_contents = content[0]


def cached_property(function: Any, name: str | None) -> functools.cached_property[Any]:
    """Creates a cached property; the pickle has no lock of it, which Python has before 3.12."""
    made = functools.cached_property(function)
    if name is not None:
        made.__set_name__(object, name)
    return made


def lru_cache(function: Any, maxsize: int | None, typed: bool) -> Any:
    """Creates an empty cache for a function."""
    return functools.lru_cache(maxsize, typed)(function)


def component(function: Any) -> Any:
    """Replaces a component in a step by its function, whose `python_func` is itself."""
    function.python_func = function
    return function


def itself(value: Any) -> Any:
    """Replaces a predictor in a step or a server by its class."""
    return value


def generic() -> Any:
    """Creates a generic function (`functools.singledispatch`) without implementations."""

    def nothing(first: Any) -> None: ...

    return functools.singledispatch(nothing)


def set_generic(made: Any, state: dict[str, Any]) -> None:
    """Sets the implementations and the names of a generic function."""
    for kind, implementation in state["registry"].items():
        made.register(kind, implementation)
    vars(made).update(state["dict"])
    for name, value in state["names"].items():
        setattr(made, name, value)
