"""`kubeflow.fairing` as another name of `fairing_kfp.classic`."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

_OLD, _NEW = "kubeflow.fairing", "fairing_kfp.classic"
_PACKAGE = "kubeflow"


class _Names(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules of `kubeflow.fairing` by their names in this package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not f"{fullname}.".startswith(f"{_OLD}."):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """None: importlib creates a module, which `exec_module` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        # importlib returns the module that it finds here.
        name = module.__name__
        sys.modules[name] = importlib.import_module(f"{_NEW}{name.removeprefix(_OLD)}")


def install() -> None:
    """Installs the names, once per process; modules of Fairing that are imported already are replaced."""
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{_OLD}.")]:
        del sys.modules[name]
    if not any(isinstance(finder, _Names) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Names())
    if importlib.util.find_spec(_PACKAGE) is None:
        spec = importlib.machinery.ModuleSpec(_PACKAGE, None, is_package=True)
        sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
    importlib.import_module(_OLD)
    # Importing it by its name would replace the object `config` of the package by the module.
    sys.modules[f"{_OLD}.config"] = importlib.import_module(f"{_NEW}.config")
