"""A module of a namespace package: its folder has no __init__.py."""

import functools
import time


def traced(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        wrapper.calls += 1
        return function(*arguments, **named)

    wrapper.calls = 0
    return wrapper


def slugify(text: str) -> str:
    return "-".join(text.lower().split())  #>     return "_".join(text.lower().split()) [*]


def now() -> float:
    return time.time()
