"""Functions that the self-test packs: each of a construct whose code differs between versions of Python."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import functools
import os.path
import typing
from typing import Any, ClassVar

LIMITS = {"low": 1, "none": None}
HIGH = frozenset({"p", "q", "r"})


class Colour(enum.Enum):
    """An enum."""

    RED = 1
    GREEN = "green"


class Point(typing.NamedTuple):
    """A named tuple."""

    x: int
    y: int = 2


@dataclasses.dataclass(frozen=True)
class Plan:
    """A dataclass with defaults of several kinds."""

    depth: int
    tags: frozenset[str] = frozenset({"a", "b", "c"})
    steps: list[str] = dataclasses.field(default_factory=list)


class Base:
    """A class with a cell of its own, for `super`."""

    kept: ClassVar = {"x": 1, **{f"k{n}": n for n in range(3)}}

    def __init__(self, start: int) -> None:
        self.total = start

    def add(self, *values: int, times: int = 1) -> Base:
        """Adds."""
        self.total += sum(values) * times
        return self


class Child(Base):
    """A child."""

    def add(self, *values: int, times: int = 2) -> Base:
        """Adds twice."""
        return super().add(*values, times=times)


def counted(function: Any) -> Any:
    """A decorator."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        return [function.__name__, function(*arguments, **named)]

    return call


def adder(first: int) -> Any:
    """A closure."""
    step = 10

    def add(second: int, *, third: int = 3) -> int:
        nonlocal step
        step += first
        return step + second + third

    return add


@counted
def decorated(a: int, /, b: int = 2, *rest: int, c: int = 4, **more: int) -> int:
    """All kinds of parameters."""
    return a + b + sum(rest) + c + sum(more.values())


def case_globals() -> str:
    """Globals, sets and comprehensions."""
    values = [n * n for n in range(5) if n % 2]
    return f"{LIMITS['low']} {sorted(HIGH)} {values} {'p' in {'p', 'q'}} {os.path.normcase('a/b')}"


def case_closures() -> str:
    """Closures, generators and lambdas."""
    keep = (lambda value: value + 1)(1)
    return f"{adder(1)(2)} {keep} {list(chain(3))} {decorated(1, 2, 3, c=5, d=6)}"


def chain(count: int) -> Any:
    """A generator."""
    for number in range(count):
        yield number * 2
    yield from "ab"


def case_classes() -> str:
    """Classes, dataclasses, enums and named tuples."""
    plan = Plan(2, steps=["s"])
    made = [Child(1).add(1, 2).total, sorted(plan.tags), plan.steps, Colour.RED.name, Colour("green").value, Point(1)]
    return f"{made} {Base.kept} {sorted(Plan.__annotations__)} {dataclasses.replace(plan, depth=3).depth}"


def case_flow() -> str:
    """Exceptions, contexts, matches and unpacking."""
    found: dict[str, Any] = collections.OrderedDict()
    for value in (1, "a", {"k": 2}, [1, 2, 3], None):
        match value:
            case int(number) if number > 0:
                found["int"] = number
            case {"k": inner}:
                found["mapping"] = inner
            case [first, *rest]:
                found["sequence"] = (first, rest)
            case _:
                found.setdefault("other", []).append(value)
    with contextlib.suppress(KeyError):
        found.pop("nothing")
    try:
        int("x")
    except ValueError as error:
        found["error"] = type(error).__name__
    finally:
        found["end"] = True
    return str(dict(found))


def case_annotations(value: int = 1, names: list[str] | None = None) -> str:
    """Annotations, defaults and docstrings."""
    return f"{sorted(case_annotations.__annotations__)} {case_annotations.__doc__} {value} {names}"
