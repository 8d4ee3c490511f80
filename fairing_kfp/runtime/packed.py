"""The packed function: its description, its pickle, and the modules that are in the pickle instead of files."""

from __future__ import annotations

import importlib
import importlib.machinery
import inspect
import json
import os
import pickle
import sys
import types
from collections.abc import Sequence
from typing import Any

from . import classes, rebuild

_RUNTIME = "fairing_kfp.runtime"

_payloads: dict[str, Any] = {}
_functions: dict[str, Any] = {}


def description(root: str) -> dict[str, Any]:
    """The description of the step, from `step.json`."""
    with open(os.path.join(root, "code", "step.json"), encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


class _Unpickler(pickle.Unpickler):
    """Finds the helpers of this package and cloudpickle in the runtime, not in the user's packages."""

    def find_class(self, module: str, name: str) -> Any:
        package, _, submodule = module.rpartition(".")
        if package == _RUNTIME:
            return getattr(importlib.import_module(f"{__package__}.{submodule}"), name)
        if module == "cloudpickle.cloudpickle" and name.startswith("_"):
            return getattr(importlib.import_module(f"{__package__}.cloudpickle"), name)
        return super().find_class(module, name)


def payload(root: str) -> dict[str, Any]:
    """The packed `function` or predictor class, and the `annotations` of its parameters; unpickled once."""
    if root not in _payloads:
        rebuild.CODE = os.path.join(root, "code")
        with open(os.path.join(root, "code", "function.pickle"), "rb") as file:
            _payloads[root] = _Unpickler(file).load()
        classes.complete_models()
    content: dict[str, Any] = _payloads[root]
    return content


def function(root: str) -> Any:
    """The step's function with a signature for KFP's executor.

    KFP reads the signature, and the user's function may be a partial, wrapped, or annotated by strings.
    """
    if root not in _functions:
        packed = payload(root)
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
    """The globals from which KFP's executor reads a `dsl.EmbeddedInput`."""
    folder = os.path.join(root, "code", "embedded")
    if not os.path.isdir(folder):
        return {}
    assets = {"__KFP_EMBEDDED_ASSET_DIR": folder}
    name = description(root)["embedded"]
    if name:
        assets["__KFP_EMBEDDED_ASSET_FILE"] = os.path.join(folder, name)
    return assets


class _Finder:
    """Imports packed modules in child processes, which unpickle functions by the names of their modules.

    It has no base class: `importlib.abc` imports much of the standard library.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.names = set(description(root)["packed_modules"]) - {"__main__"}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)  # type: ignore[arg-type]  # importlib needs no base class

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return rebuild.PackedModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        payload(self.root)


class _StandIn:
    """Finds the replacement of `fairing_kfp` in the runtime if the package is not installed."""

    def __init__(self, root: str) -> None:
        self.folder = os.path.join(root, "runtime", "stand_in")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "fairing_kfp":
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, [self.folder], target)


def install_finder(root: str) -> None:
    """Makes packed modules importable. They precede other modules of the same name, as a script's own folder does.

    The replacement of `fairing_kfp` comes after all other modules.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(root))
        sys.meta_path.append(_StandIn(root))
