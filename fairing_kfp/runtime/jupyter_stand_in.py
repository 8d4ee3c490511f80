"""Takes the part of IPython in a script that was a notebook: what is shown is printed."""

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
"""Functions of the first of these; what else they have in small letters are modules."""
_SHOWN = (
    *("Audio", "Code", "FileLink", "FileLinks", "GeoJSON", "HTML", "IFrame", "Image", "JSON", "Javascript", "Latex"),
    *("Markdown", "Math", "Pretty", "ProgressBar", "SVG", "ScribdDocument", "Video", "VimeoVideo", "YouTubeVideo"),
)


class Shown:
    """What `IPython.display` has under the name of a class: it keeps its data, and is shown as text."""

    def __init__(self, data: Any = None, *arguments: Any, **options: Any) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>" if self.data is None else str(self.data)

    def update(self, *objects: Any, **options: Any) -> None:
        """Shows something in its place, which is after it in a log."""
        display(*objects)


def display(*objects: Any, display_id: Any = None, **options: Any) -> Any:
    """Prints what a notebook shows."""
    for shown in objects:
        print(shown)
    return Shown() if display_id else None


def clear_output(wait: bool = False) -> None:
    """Nothing: a log keeps what it has."""


def get_ipython() -> None:
    """There is no shell, as IPython itself says in a script."""


def figsize(width: float, height: float) -> None:
    """The size of figures, as `IPython.core.pylabtools` sets it."""
    importlib.import_module("matplotlib").rcParams["figure.figsize"] = [width, height]


class _AbsentType(type):
    """What a script can import and derive from, but not use: all that needs a shell, a notebook or its page."""

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError(
            f"{cls.__module__}.{cls.__name__} needs IPython, which this step does not run in: leave it out (tag the "
            'cell `skip`), or run the notebook in full (mode="full")'
        )

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__module__}.{cls.__name__}", name)


def _absent(module: str, name: str) -> Any:
    return _AbsentType(name, (), {"__module__": module})


def _decorator(*arguments: Any, **options: Any) -> Any:
    """Of a magic: what it decorates stays as it is."""
    if len(arguments) == 1 and not options and callable(arguments[0]):
        return arguments[0]
    return lambda decorated: decorated


class _Module(types.ModuleType):
    """A module of IPython."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = self._made(name)
        setattr(self, name, made)  # so that it is the same each time
        return made

    def _made(self, name: str) -> Any:
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
"""What the modules have that works; what else is asked of them can be imported."""


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds all modules of IPython."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name == "IPython" or name.startswith("IPython."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        module = _Module(spec.name)
        vars(module).update(_NAMES.get(spec.name, {}))
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing: it has its names already."""


def install() -> None:
    """Lets `import IPython` find this; of one that is there only `display` is replaced, which gives handles here."""
    if importlib.util.find_spec("IPython") is not None:
        importlib.import_module("IPython.display").display = display  # type: ignore[attr-defined]
        return
    sys.meta_path.append(_Modules())
    for name in ("IPython", *_NAMES):  # which `import IPython` alone has, too
        importlib.import_module(name)


install()
