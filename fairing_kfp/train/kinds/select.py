"""The kinds of jobs, one row each."""

from __future__ import annotations

import importlib
from typing import Any

KINDS = (
    "job",
    "trainjob",
    "pytorchjob",
    "tfjob",
)
"""Names of the kinds, in specs and of their roles. Each is a module of this folder that declares `KIND`."""


def load(name: str) -> Any:
    """The `TrainingKind` that a module declares; typed by `kind.training_kind`.

    Args:
        name: one of `KINDS`.
    """
    return importlib.import_module(f"fairing_kfp.train.kinds.{name}").KIND
