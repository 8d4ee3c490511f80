"""A line from kilometres to minutes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

Delivery = tuple[float, float]
"""Kilometres and minutes."""


@dataclass(frozen=True)
class Line:
    slope: float
    start: float

    @classmethod
    def fit(cls, deliveries: Sequence[Delivery], penalty: float = 0.0) -> Line:
        """The line with the least squared error, and a slope that the penalty flattens."""
        centre = fmean(kilometres for kilometres, _ in deliveries)
        level = fmean(minutes for _, minutes in deliveries)
        together = sum((kilometres - centre) * (minutes - level) for kilometres, minutes in deliveries)
        slope = together / (sum((kilometres - centre) ** 2 for kilometres, _ in deliveries) + penalty)
        return cls(slope, level - slope * centre)

    def minutes(self, kilometres: float) -> float:
        return self.start + self.slope * kilometres

    def error(self, deliveries: Sequence[Delivery]) -> float:
        """The mean absolute error, in minutes."""
        return fmean(abs(self.minutes(kilometres) - minutes) for kilometres, minutes in deliveries)


def measure(count: int, seed: int) -> list[Delivery]:
    """Deliveries that are made up: 10 minutes, and 4 for each kilometre, more or less."""
    chance = random.Random(seed)
    distances = [chance.uniform(1, 12) for _ in range(count)]
    return [(distance, 10 + 4 * distance + chance.gauss(0, 3)) for distance in distances]
