"""Fits a curve to measurements; build_then_run.py makes an image of it in the cluster.

python pipelines/fit.py --degree 3 --model model.json --report report.html
"""

import argparse
from pathlib import Path

from curve import Curve, measure
from pages import page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--degree", type=int, default=3, help="degree of the polynomial")
    parser.add_argument("--model", required=True, help="where the model is written to")
    parser.add_argument("--report", required=True, help="where the page is written to")
    arguments = parser.parse_args()
    curve = Curve.fit(measure(80, seed=1, noise=0.2), arguments.degree, penalty=0.01)
    error = curve.error(measure(100, seed=2, noise=0.2))
    curve.save(arguments.model)
    verdict = f"A curve of degree {arguments.degree} with a mean squared error of {error:.4f}"
    Path(arguments.report).write_text(page(verdict, ("power", "coefficient"), enumerate(curve.coefficients)))
    print(verdict)


if __name__ == "__main__":
    main()
