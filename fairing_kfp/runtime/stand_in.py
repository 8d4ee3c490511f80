"""The package `fairing_kfp` as code sees it in an image that has not the real one: what is of use in a step."""

from typing import Any

from . import distributed
from .record import record

__all__ = ["distributed", "record"]


def __getattr__(name: str) -> Any:
    """Explains why a name is missing."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"fairing_kfp.{name} is for the author's side; in a step there are only {' and '.join(__all__)}. "
        f"Tag the cells that define and run the pipeline with `skip`."
    )
