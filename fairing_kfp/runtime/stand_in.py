"""The package `fairing_kfp` as notebooks see it in an image that has not the real one: `record` alone."""

from typing import Any

from .record import record

__all__ = ["record"]


def __getattr__(name: str) -> Any:
    """Explains why a name is missing."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"fairing_kfp.{name} is for the author's side; in a step there is only fairing_kfp.record. "
        f"Tag the cells that define and run the pipeline with `skip`."
    )
