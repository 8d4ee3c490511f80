"""A model without packages: a polynomial, fitted by least squares with a penalty on large coefficients."""

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

Points = list[tuple[float, float]]


def measure(count: int, seed: int, noise: float) -> Points:
    """Measurements of x³ - x between -1.5 and 1.5; a seed always gives the same."""
    chance = random.Random(seed)
    xs = [chance.uniform(-1.5, 1.5) for _ in range(count)]
    return [(x, x**3 - x + chance.uniform(-noise, noise)) for x in xs]


def save_points(points: Points, path: str) -> None:
    Path(path).write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in points))


def load_points(path: str) -> Points:
    rows = (line.split(",") for line in Path(path).read_text().splitlines()[1:])
    return [(float(x), float(y)) for x, y in rows]


@dataclass(frozen=True)
class Curve:
    """A polynomial, the lowest coefficient first."""

    coefficients: list[float]

    @staticmethod
    def fit(points: Points, degree: int, penalty: float) -> "Curve":
        """Solves the normal equations."""
        size = degree + 1
        rows = [
            [sum(x ** (i + j) for x, _ in points) + penalty * (i == j) for j in range(size)]
            + [sum(y * x**i for x, y in points)]
            for i in range(size)
        ]
        for i in range(size):
            pivot = max(range(i, size), key=lambda row: abs(rows[row][i]))
            rows[i], rows[pivot] = rows[pivot], rows[i]
            for row in range(size):
                if row != i:
                    factor = rows[row][i] / rows[i][i]
                    rows[row] = [a - factor * b for a, b in zip(rows[row], rows[i], strict=True)]
        return Curve([row[-1] / row[i] for i, row in enumerate(rows)])

    def at(self, x: float) -> float:
        return sum(factor * x**power for power, factor in enumerate(self.coefficients))

    def error(self, points: Points) -> float:
        """The mean squared error."""
        return sum((self.at(x) - y) ** 2 for x, y in points) / len(points)

    def save(self, path: str) -> None:
        Path(path).write_text(json.dumps(asdict(self)))

    @staticmethod
    def load(path: str) -> "Curve":
        return Curve(json.loads(Path(path).read_text())["coefficients"])
