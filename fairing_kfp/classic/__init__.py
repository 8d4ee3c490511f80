"""The calls of Kubeflow Fairing: `import fairing_kfp.classic as fairing`.

Modules have the names that they had below `kubeflow.fairing`. In a container that these calls made, `config` does
nothing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.config import config as _config
from fairing_kfp.classic.runtime_config import config as _runtime_config
from fairing_kfp.classic.work.submodules import submodules

if TYPE_CHECKING:
    from fairing_kfp.classic.ml_tasks.tasks import PredictionEndpoint as PredictionEndpoint
    from fairing_kfp.classic.ml_tasks.tasks import TrainJob as TrainJob

config: Any = _config if os.environ.get("FAIRING_RUNTIME") is None else _runtime_config
name = "fairing"

_TASKS = ("TrainJob", "PredictionEndpoint")


def as_kubeflow_fairing() -> None:
    """Makes `kubeflow.fairing` another name of this package in this process, for code that cannot be changed.

    Other packages below `kubeflow` stay what they are.
    """
    from fairing_kfp.classic.work.kubeflow_names import install

    install()


def __getattr__(name: str) -> Any:
    """Imports a class or a module on first use (PEP 562), or reads `__version__`."""
    if name == "__version__":
        return importlib.metadata.version("fairing-kfp")
    if name in _TASKS:
        return getattr(importlib.import_module("fairing_kfp.classic.ml_tasks.tasks"), name)
    return submodules(__name__)(name)
