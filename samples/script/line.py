"""A line through points, which steps towards them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    slope: float = 0.0
    start: float = 0.0

    def at(self, x: float) -> float:
        return self.start + self.slope * x

    def error(self, points: list[tuple[float, float]]) -> float:
        """The mean squared error."""
        return sum((self.at(x) - y) ** 2 for x, y in points) / len(points)

    def step(self, points: list[tuple[float, float]], rate: float) -> Line:
        """A line that is a little nearer."""
        slope = sum((self.at(x) - y) * x for x, y in points) / len(points)
        start = sum(self.at(x) - y for x, y in points) / len(points)
        return Line(self.slope - 2 * rate * slope, self.start - 2 * rate * start)
