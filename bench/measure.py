"""Runs that take turns (A B A B), so that whatever else the machine does falls upon all of them alike."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes:
        seconds: by the clock on the wall.
        requests: to the registry, by its own log; None where there is none.
        sent: bytes of what the registry took.
        peak: bytes of memory that it held at most, above what its program holds before it begins.
    """

    seconds: float
    requests: int | None = None
    sent: int | None = None
    peak: int | None = None


@dataclass(frozen=True)
class Row:
    """One line of a table: a thing that was done in two ways.

    Attributes:
        ratios: the peer's cost by ours, of each pair; the first is the median, then the lowest and the highest.
        of: which of the costs is compared.
    """

    what: str
    ours: Cost
    peer: Cost
    ratios: tuple[float, float, float]
    of: Literal["seconds", "peak"] = "seconds"


@dataclass(frozen=True)
class Table:
    """The result of a benchmark.

    Attributes:
        ours: what was measured of ours, as a column's head.
        peer: what it is compared with.
        note: what one has to know to read it.
    """

    ours: str
    peer: str
    rows: tuple[Row, ...]
    note: str = ""


Stages = Mapping[str, Cost]
"""What one run took, by the stages of it."""


@dataclass(frozen=True)
class Runs:
    """What was measured: for each round, for each contender, its stages."""

    rounds: tuple[Mapping[str, Stages], ...]

    def row(
        self,
        what: str,
        ours: str,
        peer: str,
        stage: str,
        peer_stage: str = "",
        of: Literal["seconds", "peak"] = "seconds",
    ) -> Row:
        """Compares a stage of two contenders, pair by pair."""
        pairs = [(round_[ours][stage], round_[peer][peer_stage or stage]) for round_ in self.rounds]
        ratios = [getattr(theirs, of) / getattr(mine, of) for mine, theirs in pairs]
        mine, theirs = (_typical(costs) for costs in zip(*pairs, strict=True))
        return Row(what, mine, theirs, (median(ratios), min(ratios), max(ratios)), of)


class MissingError(Exception):
    """A service or program that a benchmark needs is not there."""


def take_turns(rounds: int, contenders: Mapping[str, Callable[[], Stages]], warm: bool = True) -> Runs:
    """Lets every contender run once a round; a round before the first warms up caches of the machine."""
    done = [{name: run() for name, run in contenders.items()} for _ in range(rounds + warm)]
    return Runs(tuple(done[warm:]))


def timed(work: Callable[[], object], repeat: int = 1) -> Cost:
    """How long work takes; what takes milliseconds is repeated, and its mean counts."""
    began = time.perf_counter()
    for _ in range(repeat):
        work()
    return Cost((time.perf_counter() - began) / repeat)


def run_program(*command: str, **variables: str) -> None:
    """Runs a program as its users do: with byte code, which is written in a first run."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment | variables, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def _typical(costs: tuple[Cost, ...]) -> Cost:
    """The medians of what several runs took."""

    def middle(name: str) -> int | None:
        values = [getattr(cost, name) for cost in costs]
        return None if None in values else round(median(values))

    return Cost(median(cost.seconds for cost in costs), middle("requests"), middle("sent"), middle("peak"))
