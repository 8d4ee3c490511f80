"""The packed function: its description, its pickle, and its modules that exist nowhere as files."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import json
import os
import pickle
import sys
import types
from collections.abc import Sequence
from typing import Any

from . import classes, cloudpickle, rebuild  # type: ignore[attr-defined]  # cloudpickle lies here in the image

_OURS = "fairing_kfp.runtime"

_payloads: dict[str, Any] = {}
_functions: dict[str, Any] = {}


def description(root: str) -> dict[str, Any]:
    """What the author's side wrote about the step."""
    with open(os.path.join(root, "code", "step.json"), encoding="utf-8") as file:
        made: dict[str, Any] = json.load(file)
    return made


class _Unpickler(pickle.Unpickler):
    """Finds our own helpers and cloudpickle's in the runtime, never in what the user may have installed."""

    def find_class(self, module: str, name: str) -> Any:
        package, _, ours = module.rpartition(".")
        if package == _OURS:
            return getattr(importlib.import_module(f"{__package__}.{ours}"), name)
        if module == "cloudpickle.cloudpickle" and name.startswith("_"):
            return getattr(cloudpickle, name)
        return super().find_class(module, name)


def unpacked(root: str) -> dict[str, Any]:
    """What was packed: a function or a predictor's class, and the annotations of its parameters; unpickled once."""
    if root not in _payloads:
        rebuild.CODE = os.path.join(root, "code")
        with open(os.path.join(root, "code", "function.pickle"), "rb") as file:
            _payloads[root] = _Unpickler(file).load()
        classes.finish()
    made: dict[str, Any] = _payloads[root]
    return made


def function(root: str) -> Any:
    """The step's function as KFP's executor wants it.

    KFP reads the signature; the user's own function may be a partial, or wrapped, or annotated by strings.
    """
    if root not in _functions:
        packed = unpacked(root)
        _functions[root] = _adapter(packed["function"], packed["annotations"], _embedded(root))
    return _functions[root]


def _adapter(packed: Any, annotations: dict[str, Any], assets: dict[str, str]) -> types.FunctionType:
    def call(**arguments: Any) -> Any:
        return packed(**arguments)

    made = types.FunctionType(call.__code__, {**globals(), **assets}, None, None, call.__closure__)
    made.__name__ = getattr(packed, "__name__", "function")
    made.__annotations__ = annotations
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
            for name, annotation in annotations.items()
            if name != "return"
        ],
        return_annotation=annotations.get("return", inspect.Signature.empty),
    )
    return made


def _embedded(root: str) -> dict[str, str]:
    """The globals in which KFP's executor looks for a `dsl.EmbeddedInput`."""
    folder = os.path.join(root, "code", "embedded")
    if not os.path.isdir(folder):
        return {}
    assets = {"__KFP_EMBEDDED_ASSET_DIR": folder}
    name = description(root)["embedded"]
    if name:
        assets["__KFP_EMBEDDED_ASSET_FILE"] = os.path.join(folder, name)
    return assets


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports packed modules in a child process, which unpickles a function by its module's name."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.names = set(description(root)["packed_modules"]) - {"__main__"}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return rebuild.PackedModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        unpacked(self.root)


class _StandIn(importlib.abc.MetaPathFinder):
    """Finds our own package, where the image has it not, by what the runtime has of it."""

    def __init__(self, root: str) -> None:
        self.folder = os.path.join(root, "runtime", "stand_in")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "fairing_kfp":
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [self.folder], target)


def install_finder(root: str) -> None:
    """Makes packed modules importable; they come before others of their name, as a script's own folder does.

    Our own package comes last of all.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(root))
        sys.meta_path.append(_StandIn(root))
