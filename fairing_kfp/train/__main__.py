"""The program of a training step, in our own image: `python3 -m fairing_kfp.train --executor_input … --order …`."""

from __future__ import annotations

import argparse
import json
import os
import sys

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.program import log, log_line, run_program
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train


def main(arguments: list[str]) -> int:
    """Runs the step, and returns its exit code."""
    parser = argparse.ArgumentParser(prog="fairing_kfp.train", description="Runs a component's code as a job.")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput (JSON)")
    parser.add_argument("--order", dest="spec", required=True, help="Job spec (JSON)")
    given = parser.parse_args(arguments)
    return run_program(
        lambda: train(
            JobSpec.parse(given.spec), json.loads(given.executor_input), Cluster(), log=log, log_line=log_line
        )
    )


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # Threads may still write to the log. Python aborts if they hold the lock of stdout while it finalizes.
    os._exit(code)
