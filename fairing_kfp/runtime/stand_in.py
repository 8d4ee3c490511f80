"""The package `fairing_kfp` in an image that does not have it installed: the names that steps use."""

from typing import Any

from . import distributed
from .record import record

__all__ = ["distributed", "record"]


def __getattr__(name: str) -> Any:
    """Explains why a name is missing."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"fairing_kfp.{name} is not available in a step, which has only {' and '.join(__all__)}. "
        f"Tag the cells that define and run the pipeline with `skip`."
    )
