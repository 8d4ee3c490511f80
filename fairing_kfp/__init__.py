"""Ordinary Python onto Kubeflow Pipelines: functions become pinned images, without Docker.

Everything is imported when it is first used, so that `import fairing_kfp` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp import distributed
    from fairing_kfp.component import Component, fairing_component
    from fairing_kfp.errors import FairingError, StepFailedError
    from fairing_kfp.loading import load_pipeline
    from fairing_kfp.local.run import RunResult, StepResult
    from fairing_kfp.locking import Locked, lock
    from fairing_kfp.notebook_module import load_notebook
    from fairing_kfp.pipeline import Compiled, Explained, compile, explain, run
    from fairing_kfp.runtime.record import record
    from fairing_kfp.serving.component import serve, serve_model
    from fairing_kfp.serving.endpoint import Endpoint
    from fairing_kfp.serving.order import Autoscaling
    from fairing_kfp.serving.predictor import Predictor
    from fairing_kfp.serving.rollback import rollback
    from fairing_kfp.train.component import job, pytorchjob, tfjob, trainjob
    from fairing_kfp.train.vertex.component import vertexjob

_PLACES = {
    "Autoscaling": "serving.order",
    "Compiled": "pipeline",
    "Component": "component",
    "Endpoint": "serving.endpoint",
    "Explained": "pipeline",
    "FairingError": "errors",
    "Locked": "locking",
    "Predictor": "serving.predictor",
    "RunResult": "local.run",
    "StepFailedError": "errors",
    "StepResult": "local.run",
    "compile": "pipeline",
    "distributed": "distributed",
    "explain": "pipeline",
    "fairing_component": "component",
    "job": "train.component",
    "load_notebook": "notebook_module",
    "load_pipeline": "loading",
    "lock": "locking",
    "pytorchjob": "train.component",
    "record": "runtime.record",
    "rollback": "serving.rollback",
    "run": "pipeline",
    "serve": "serving.component",
    "serve_model": "serving.component",
    "tfjob": "train.component",
    "trainjob": "train.component",
    "vertexjob": "train.vertex.component",
}

__all__ = [
    "Autoscaling",
    "Compiled",
    "Component",
    "Endpoint",
    "Explained",
    "FairingError",
    "Locked",
    "Predictor",
    "RunResult",
    "StepFailedError",
    "StepResult",
    "compile",
    "distributed",
    "explain",
    "fairing_component",
    "job",
    "load_notebook",
    "load_pipeline",
    "lock",
    "pytorchjob",
    "record",
    "rollback",
    "run",
    "serve",
    "serve_model",
    "tfjob",
    "trainjob",
    "vertexjob",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    return module if _PLACES[name] == name else getattr(module, name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
