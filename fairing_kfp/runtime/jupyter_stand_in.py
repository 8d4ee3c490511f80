"""Takes the part of IPython in a script that was a notebook: what is shown is printed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any


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


class _Display(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Shown,), {}) if name[0].isupper() else display


def install() -> None:
    """Lets `import IPython` find this; of one that is there only `display` is replaced, which gives handles here."""
    if importlib.util.find_spec("IPython") is not None:
        importlib.import_module("IPython.display").display = display  # type: ignore[attr-defined]
        return
    names: dict[str, Any] = {"display": display, "clear_output": clear_output, "get_ipython": get_ipython}
    package, module = types.ModuleType("IPython"), _Display("IPython.display")
    vars(package).update(get_ipython=get_ipython, display=module, version_info=(0, 0, 0), __path__=[])
    vars(module).update(names)
    core, getipython = types.ModuleType("IPython.core"), types.ModuleType("IPython.core.getipython")
    vars(core).update(display=module, getipython=getipython, __path__=[])
    vars(getipython).update(get_ipython=get_ipython)
    sys.modules.update(
        {
            "IPython": package,
            "IPython.display": module,
            "IPython.core": core,
            "IPython.core.display": module,
            "IPython.core.getipython": getipython,
        }
    )


install()
