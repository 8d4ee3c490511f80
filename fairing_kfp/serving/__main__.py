"""The program of a serve step, in our own image: `python3 -m fairing_kfp.serving --executor_input … --order …`.

With `--check`, it checks one or more specs before training starts.
"""

from __future__ import annotations

import argparse
import json
import sys

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.program import log, run_program
from fairing_kfp.serving.check import check
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.step import serve


def main(arguments: list[str]) -> int:
    """Runs the step and returns its exit code."""
    parser = argparse.ArgumentParser(prog="fairing_kfp.serving", description="Serve a model")
    parser.add_argument("--executor_input", default="{}", help="KFP's ExecutorInput (JSON)")
    parser.add_argument("--order", dest="specs", action="append", required=True, help="Serving spec (JSON)")
    parser.add_argument("--check", action="store_true", help="Check the specs without changing anything")
    given = parser.parse_args(arguments)
    return run_program(lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    specs = [ServingSpec.parse(text) for text in given.specs]
    if given.check:
        for spec in specs:
            check(spec, Cluster(), log=log)
    else:
        serve(specs[0], json.loads(given.executor_input), Cluster(), log=log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
