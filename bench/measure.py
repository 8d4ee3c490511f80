"""Runs of contenders in turn (A B A B), so that other load on the machine affects all of them alike."""

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
    """The cost of one run.

    Attributes:
        seconds: elapsed time.
        requests: requests that the registry logged; None without a registry.
        sent: bytes that the registry stored.
        peak: peak memory in bytes, above that of the program at its start.
    """

    seconds: float
    requests: int | None = None
    sent: int | None = None
    peak: int | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table, which compares two contenders.

    Attributes:
        what: label of the row.
        ours: our cost.
        peer: cost of the peer.
        ratios: the peer's cost divided by ours: the median, the lowest and the highest.
        of: the cost that is compared.
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
        ours: heading of our column.
        peer: heading of the peer's column.
        rows: the rows.
        note: explanation below the table.
    """

    ours: str
    peer: str
    rows: tuple[Row, ...]
    note: str = ""


Stages = Mapping[str, Cost]
"""The costs of one run, by stage."""


@dataclass(frozen=True)
class Runs:
    """Measurements: for each round, the stages of each contender."""

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
        """Compares a stage of two contenders, in pairs."""
        pairs = [(round_[ours][stage], round_[peer][peer_stage or stage]) for round_ in self.rounds]
        ratios = [getattr(theirs, of) / getattr(mine, of) for mine, theirs in pairs]
        mine, theirs = (_typical(costs) for costs in zip(*pairs, strict=True))
        return Row(what, mine, theirs, (median(ratios), min(ratios), max(ratios)), of)


class MissingError(Exception):
    """A service or program that a benchmark needs is missing."""


def take_turns(rounds: int, contenders: Mapping[str, Callable[[], Stages]], warm: bool = True) -> Runs:
    """Runs every contender once a round, after a round that warms up the caches of the machine."""
    done = [{name: run() for name, run in contenders.items()} for _ in range(rounds + warm)]
    return Runs(tuple(done[warm:]))


def timed(work: Callable[[], object], repeat: int = 1) -> Cost:
    """Measures work; the mean of several repetitions."""
    began = time.perf_counter()
    for _ in range(repeat):
        work()
    return Cost((time.perf_counter() - began) / repeat)


def run_program(*command: str, **variables: str) -> None:
    """Runs a program as users do, with bytecode that the first run writes."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment | variables, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


def _typical(costs: tuple[Cost, ...]) -> Cost:
    """The medians of the costs of several runs."""

    def middle(name: str) -> int | None:
        values = [getattr(cost, name) for cost in costs]
        return None if None in values else round(median(values))

    return Cost(median(cost.seconds for cost in costs), middle("requests"), middle("sent"), middle("peak"))
