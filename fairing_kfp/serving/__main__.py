"""The program of a serve step, in our own image: `python3 -m fairing_kfp.serving --executor_input … --order …`.

With `--check`, and an order or several, it is the step that sees beforehand whether they can be carried out.
"""

from __future__ import annotations

import argparse
import json
import sys

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.errors import FairingError
from fairing_kfp.serving.check import check
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.step import serve


def main(arguments: list[str]) -> int:
    """Runs the step; gives its exit code."""
    parser = argparse.ArgumentParser(prog="fairing_kfp.serving", description="Serves a model by a predictor.")
    parser.add_argument("--executor_input", default="{}", help="KFP's ExecutorInput as JSON")
    parser.add_argument("--order", action="append", required=True, help="what to serve, as JSON")
    parser.add_argument("--check", action="store_true", help="only see whether the orders can be carried out")
    given = parser.parse_args(arguments)
    try:
        orders = [Order.parse(text) for text in given.order]
        if given.check:
            for order in orders:
                check(order, Cluster(), say=_say)
        else:
            serve(orders[0], json.loads(given.executor_input), Cluster(), say=_say)
    except FairingError as error:
        print(f"fairing-kfp: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def _say(text: str) -> None:
    print(f"fairing-kfp: {text}", flush=True)  # noqa: T201 - the step's log


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
