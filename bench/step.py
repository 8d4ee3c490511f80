# mypy: ignore-errors
"""A pipeline of one small step, as somebody writes it; benchmarks copy it and change one line."""

from kfp import dsl

from fairing_kfp import fairing_component

FACTOR = 2


def scaled(value: float) -> float:
    return FACTOR * value


@fairing_component
def total(first: float, second: float) -> float:
    """Adds what it was given, scaled."""
    return scaled(first) + scaled(second)


@dsl.pipeline
def adding(first: float = 1.0, second: float = 2.0) -> float:
    return total(first=first, second=second).output
