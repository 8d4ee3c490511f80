"""`import kfp` without what few pipeline files need: the client of Kubeflow Pipelines, and requests.

`import kfp` imports its client, and with it the Kubernetes client, which takes three quarters of its time. `import_kfp`
puts that off until somebody asks for it: `kfp.Client`, `kfp.client`, `from kfp.client import …` and `from kfp import *`
work as always.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_CLIENT = "kfp.client"
_LATE = ("Client", "client")
"""The names in `kfp` that come with its client."""
_HOOKS = ("__getattr__", "__dir__")


class _Forwarding(ModuleType):
    """Stands for a module, which is imported once a name is read that this one lacks."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_kfp() -> None:
    """Imports kfp, and puts off its client.

    The import is the plain one if kfp is imported already, or if its version does more with its client than offer it.
    """
    if "kfp" not in sys.modules and _CLIENT not in sys.modules:
        client = object()
        package = _Forwarding(_CLIENT)
        vars(package).update(Client=client, __path__=[])  # the path is read by `from kfp.client import …`
        with contextlib.suppress(Exception), _standing_in(package), _standing_in(_Forwarding("requests")):
            _answer_late(importlib.import_module("kfp"), client)
        if "kfp" not in sys.modules or _CLIENT in sys.modules or _in_use(package, client):
            _forget_kfp()
    importlib.import_module("kfp")


@contextlib.contextmanager
def _standing_in(module: ModuleType) -> Iterator[None]:
    """Has imports find a module instead of the real one, unless that is imported already."""
    name = module.__name__
    sys.modules.setdefault(name, module)
    try:
        yield
    finally:
        if sys.modules.get(name) is module:
            del sys.modules[name]


def _answer_late(kfp: ModuleType, client: object) -> None:
    """Has kfp import its client once a name is asked for (PEP 562); from then on it is as after a plain import."""
    names = vars(kfp)
    if names.get("Client") is not client:
        return  # a version, or the mode for steps, that imports no client
    del names["Client"]

    def answer(name: str) -> Any:
        if name not in (*_LATE, "__all__"):
            raise AttributeError(f"module {kfp.__name__!r} has no attribute {name!r}")
        names.setdefault("Client", importlib.import_module(_CLIENT).Client)
        if name == "__all__":  # read, several times, by `from kfp import *`
            return [public for public in names if not public.startswith("_")]
        for hook in _HOOKS:
            names.pop(hook, None)
        return names[name]

    names["__getattr__"] = answer
    names["__dir__"] = lambda: sorted({*names, *_LATE}.difference(_HOOKS))


def _in_use(*stand_ins: object) -> bool:
    """Whether a module of kfp has got a stand-in."""
    values = [value for name in _modules_of_kfp() for value in vars(sys.modules[name]).values()]
    return any(value is stand_in for value in values for stand_in in stand_ins)


def _forget_kfp() -> None:
    for name in _modules_of_kfp():
        del sys.modules[name]


def _modules_of_kfp() -> list[str]:
    return [name for name in list(sys.modules) if name.partition(".")[0] == "kfp"]
