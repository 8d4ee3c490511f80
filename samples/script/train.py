"""Learns how scores follow from hours of study: a line, by gradient descent.

python train.py hours.csv --model line.json --steps 500
"""

import argparse
import json
from pathlib import Path

from line import Line


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", help="a CSV file with the columns hours and score")
    parser.add_argument("--model", required=True, help="where the line is written to")
    parser.add_argument("--error", help="where the mean squared error is written to")
    parser.add_argument("--steps", type=int, default=2000, help="how many steps to take")
    parser.add_argument("--rate", type=float, default=0.01, help="how far each step goes")
    parser.add_argument("--quiet", action="store_true", help="say nothing on the way")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = [row.split(",") for row in Path(arguments.scores).read_text().splitlines()[1:]]
    points = [(float(hours), float(score)) for hours, score in rows]
    line = Line()
    for step in range(arguments.steps):
        line = line.step(points, arguments.rate)
        if not arguments.quiet and step % 500 == 0:
            print(f"step {step}: error {line.error(points):.3f}")
    Path(arguments.model).write_text(json.dumps({"slope": line.slope, "start": line.start}))
    if arguments.error:
        Path(arguments.error).write_text(str(line.error(points)))


if __name__ == "__main__":
    main()
