"""A notebook as code: run as a script, and its functions used by others. The notebook itself stays as it is.

fairing-kfp run samples/notebook-as-code/pipeline.py -p count=3
"""

import csv
import random
from pathlib import Path

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component, load_notebook

notebook = load_notebook("groups.ipynb")


@fairing_component
def scatter(count: int, points: dsl.Output[dsl.Dataset] = OUTPUT):
    """Scatters points around some middles."""
    chance = random.Random(1)
    with Path(points.path).open("w") as file:
        for number in range(60 * count):
            middle = 10 * (number % count)
            csv.writer(file).writerow([chance.gauss(middle, 1), chance.gauss(-middle, 1)])


# The inputs groups and turns are those of its cell of parameters; points and spread are paths that KFP gives.
find = fairing_component.from_notebook(
    "groups.ipynb",
    mode="script",
    arguments={"points": dsl.Input[dsl.Dataset], "spread": dsl.OutputPath(float)},
)


@fairing_component
def spread_around_one(points: dsl.Input[dsl.Dataset]) -> float:
    """The mean distance from the middle of all points, by the notebook's own functions."""
    with Path(points.path).open() as file:
        table = [(float(x), float(y)) for x, y in csv.reader(file)]
    middle = notebook.mean(table)
    return sum(notebook.nearest(point, [middle])[1] for point in table) / len(table)


@dsl.pipeline(name="clustering", description="Finds groups of points.")
def clustering(count: int = 2) -> float:
    points = scatter(count=count).outputs["points"]
    spread_around_one(points=points)
    return find(points=points, groups=count, turns=50).outputs["spread"]
