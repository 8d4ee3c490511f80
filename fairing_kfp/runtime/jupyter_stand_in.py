"""Replaces IPython in a notebook that runs as a script: displayed objects are printed."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable
from typing import Any

_DISPLAYS = ("IPython.display", "IPython.core.display", "IPython.core.display_functions", "IPython.lib.display")
_DECORATORS = ("IPython.core.magic", "IPython.core.magic_arguments")
_PACKAGES = ("IPython", "IPython.core", "IPython.html", "IPython.lib", "IPython.utils")
_CALLED = ("embed", "embed_kernel", "start_ipython", "start_kernel")
"""Functions of these packages; their other lower-case names are modules."""
_SHOWN = (
    *("Audio", "Code", "FileLink", "FileLinks", "GeoJSON", "HTML", "IFrame", "Image", "JSON", "Javascript", "Latex"),
    *("Markdown", "Math", "Pretty", "ProgressBar", "SVG", "ScribdDocument", "Video", "VimeoVideo", "YouTubeVideo"),
)


class Shown:
    """Replaces the classes of `IPython.display`: stores its data, and is displayed as text."""

    def __init__(self, data: Any = None, *arguments: Any, **options: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>" if self.data is None else str(self.data)

    def update(self, *objects: Any, **options: Any) -> None:
        """Displays objects instead of this one; a log shows them after it."""
        display(*objects)


def display(*objects: Any, display_id: Any = None, **options: Any) -> Any:
    """Prints objects that a notebook displays."""
    for shown in objects:
        print(shown)
    return Shown() if display_id else None


def clear_output(wait: bool = False) -> None:
    """Does nothing: a log cannot be cleared."""


def get_ipython() -> None:
    """Returns None: outside of IPython there is no shell."""


def figsize(width: float, height: float) -> None:
    """Sets the size of figures, as in `IPython.core.pylabtools`."""
    importlib.import_module("matplotlib").rcParams["figure.figsize"] = [width, height]


class _AbsentType(type):
    """Replaces names that need a shell or a notebook: a script can import and subclass them, but not call them."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"{cls.__module__}.{cls.__name__} needs IPython, which this step does not run in: omit it (tag the "
            'cell `skip`), or run the notebook in full (mode="full")'
        )

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__module__}.{cls.__name__}", name)


def _absent(module: str, name: str) -> Any:
    return _AbsentType(name, (), {"__module__": module})


def _decorator(*arguments: Any, **options: Any) -> Any:
    """Replaces the decorators of magics; returns the decorated function unchanged."""
    if len(arguments) == 1 and not options and callable(arguments[0]):
        return arguments[0]
    return lambda decorated: decorated


class _Module(types.ModuleType):
    """A module of IPython."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = self._create(name)
        setattr(self, name, made)  # the same object for each access
        return made

    def _create(self, name: str) -> Any:
        if self.__name__ in _PACKAGES and name[0].islower() and name not in _CALLED:
            return importlib.import_module(f"{self.__name__}.{name}")
        if self.__name__ in _DISPLAYS:
            if name[0].isupper():
                return type(name, (Shown,), {"__module__": self.__name__})
            return clear_output if name.startswith("set_") else display
        if self.__name__ in _DECORATORS and name[0].islower():
            return _decorator
        return _absent(self.__name__, name)


_FUNCTIONS: dict[str, Callable[..., Any]] = {"display": display, "clear_output": clear_output}
_NAMES: dict[str, dict[str, Any]] = {
    "IPython": {"get_ipython": get_ipython, "version_info": (0, 0, 0), "__version__": "0.0.0"},
    "IPython.core.getipython": {"get_ipython": get_ipython},
    "IPython.core.pylabtools": {"figsize": figsize},
    **{name: {**_FUNCTIONS, "__all__": [*_FUNCTIONS, *_SHOWN]} for name in _DISPLAYS},
}
"""The names of the modules that work; other names can only be imported."""


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads the replacements of IPython's modules."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name == "IPython" or name.startswith("IPython."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        module = _Module(spec.name)
        vars(module).update(_NAMES.get(spec.name, {}))
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Does nothing: `create_module` sets the names."""


def install() -> None:
    """Makes IPython importable. If it is installed, only `display` is replaced, by one that returns handles."""
    if importlib.util.find_spec("IPython") is not None:
        importlib.import_module("IPython.display").display = display  # type: ignore[attr-defined]
        return
    sys.meta_path.append(_Modules())
    for name in ("IPython", *_NAMES):  # `import IPython` imports these as well
        importlib.import_module(name)


install()
