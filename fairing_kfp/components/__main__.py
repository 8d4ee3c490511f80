"""The program of a component's step, in our own image: `python3 -m fairing_kfp.components NAME --executor_input …`."""

from __future__ import annotations

import argparse
import json
import os
import sys

from fairing_kfp.cluster.program import log, run_program
from fairing_kfp.components.step import run_step
from fairing_kfp.components.table import COMPONENTS


def main(arguments: list[str]) -> int:
    """Runs the step and returns its exit code."""
    parser = argparse.ArgumentParser(prog="fairing_kfp.components", description="Run the step of a component")
    parser.add_argument("name", choices=sorted(COMPONENTS), help="Component")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput (JSON)")
    given = parser.parse_args(arguments)
    return run_program(lambda: run_step(COMPONENTS[given.name], json.loads(given.executor_input), log))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Threads may still write to the log. Python aborts if they hold the lock of stdout while it finalizes.
    os._exit(code)
